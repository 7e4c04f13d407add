"""Builders of people, rules and incubators for the tests of eligibility."""

from __future__ import annotations

import itertools
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

from services.eligibility.domain import Applicant, Incubator, Judgement, Wish, judge, view_for_rules
from services.eligibility.policies import load_policies, load_reference

FOLDER = Path(__file__).parents[3] / "policies" / "eligibility"
BOOK = load_policies(FOLDER)
REFERENCE = load_reference(FOLDER)
POLICY = BOOK.policies[0]
MAY_20 = date(2020, 5, 20)
_NUMBERS = itertools.count(1)


def an_applicant(**changes: Any) -> Applicant:
    """Return a laid-off textile worker of Bandung with a letter and a plan for a food business: clearly eligible."""
    values: dict[str, Any] = {
        "birth_date": date(1990, 1, 1),
        "citizenship": "WNI",
        "province": "32",
        "regency": "32.73",
        "employment_status": "phk",
        "layoff_on": date(2020, 4, 1),
        "employer_kbli": "14111",
        "has_layoff_letter": True,
        "layoff_lists": (),
        "in_formal_education": False,
        "profession": "",
        "other_aid": (),
        "dependants": 2,
        "skills": ("menjahit",),
        "plan_kbli": "10710",
        "has_plan": True,
    }
    return Applicant(**{**values, **changes})


def decide(on: date = MAY_20, **changes: Any) -> Judgement:
    """Return what the policy of 8 May 2020 says of a person with these differences."""
    view = view_for_rules(an_applicant(**changes), on, POLICY.professions, REFERENCE.catalog.sectors)
    return judge(POLICY.evaluate([view])[0], POLICY.bar)


def an_incubator(
    code: str = "A", *, seats: int = 1, taken: int = 0, regency: str | None = None, sectors: str = "pangan"
) -> Incubator:
    """Return an incubator for the sectors given with commas."""
    return Incubator(code, code, regency, frozenset(sectors.split(",")), seats, taken)


def a_wish(sector: str = "pangan", regency: str = "32.73") -> Wish:
    """Return a wish with an id of its own."""
    return Wish(UUID(int=next(_NUMBERS)), sector, regency)
