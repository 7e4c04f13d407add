"""The eligibility policy once more, in plain Python from its statement: what the services' answers are held against.

Nothing of the services is used here but reference data (sectors, incubators, training centres, referrals).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from rintis.demo import names
from rintis.demo.population import Registration

BAR = 40
HARD_HIT = frozenset({"31", "32", "33", "35"})
RECENT_DAYS = 92
GROWN_UP_YEARS = 18


@dataclass(frozen=True, slots=True)
class Expected:
    """What must become of a worker. `destination` is `seat`, or the code of where they are referred; empty for the denied."""

    outcome: str
    reasons: tuple[str, ...]
    review: str = ""
    destination: str = ""

    @property
    def is_confirmed(self) -> bool:
        """Return whether the worker is eligible in the end."""
        return self.outcome == "confirmed" or self.review == "approved"


@dataclass(frozen=True, slots=True)
class Reference:
    """Where people can go: sectors by division, incubated sectors by province, training centres."""

    sectors: Mapping[str, str]
    incubated: frozenset[tuple[str, str]]
    centres: tuple[tuple[str, frozenset[str], frozenset[str]], ...]


def load_reference(policies: Path) -> Reference:
    """Read the reference data of the policy folder."""
    folder = policies / "eligibility"
    sectors = json.loads((folder / "sectors.json").read_text("utf-8"))["sectors"]
    incubators = json.loads((folder / "incubators.json").read_text("utf-8"))["incubators"]
    centres = json.loads((folder / "training.json").read_text("utf-8"))["centres"]
    return Reference(
        {division: sector["code"] for sector in sectors for division in sector["divisions"]},
        frozenset((incubator["province"], sector) for incubator in incubators for sector in incubator["sectors"]),
        tuple((centre["code"], frozenset(centre["provinces"]), frozenset(centre["sectors"])) for centre in centres),
    )


def expect(registration: Registration, reference: Reference, on: date) -> Expected:
    """Return what the policy of 8 May 2020 demands for an accepted registration."""
    data = registration.data
    if denials := tuple(_denials(data, on)):
        return Expected("denied", denials)
    if doubts := tuple(_doubts(registration)):
        review = staff_outcome(data["profession"], data["dependants"])
        return Expected("review", doubts, review, _destination(data, reference) if review == "approved" else "")
    points = dict(_points(registration, reference, on))
    if sum(points.values()) < BAR:
        return Expected("denied", ("score_below_bar",))
    return Expected("confirmed", tuple(points), destination=_destination(data, reference))


def staff_outcome(profession: str, dependants: int) -> str:
    """Return what the demo's staff decide on a review, by what they read in it."""
    if profession in names.UNCLEAR_PROFESSIONS:
        return "approved" if profession == names.UNCLEAR_PROFESSIONS[1] else "rejected"
    return "approved" if dependants > 0 else "rejected"


def _denials(data: Mapping[str, Any], on: date) -> Iterator[str]:
    born = date.fromisoformat(data["birth_date"])
    if on.year - born.year - ((on.month, on.day) < (born.month, born.day)) < GROWN_UP_YEARS:
        yield "age_under_18"
    if data["citizenship"] != "WNI":
        yield "not_wni"
    if data["in_formal_education"]:
        yield "in_formal_education"
    if data["profession"] in names.EXCLUDED_PROFESSIONS:
        yield "profession_excluded"
    if set(data["other_aid"]) & set(names.EXCLUDING_AID):
        yield "receives_other_aid"


def _doubts(registration: Registration) -> Iterator[str]:
    data = registration.data
    if data["employment_status"] == "phk" and "layoff_letter" not in data and not registration.is_listed:
        yield "layoff_unproven"
    if data["profession"] in names.UNCLEAR_PROFESSIONS:
        yield "profession_unclear"


def _points(registration: Registration, reference: Reference, on: date) -> Iterator[tuple[str, int]]:
    data, plan = registration.data, registration.data.get("business_plan")
    yield ("laid_off", 30) if data["employment_status"] == "phk" else ("furloughed", 20)
    yield from _evidence_points(registration)
    if data["dependants"]:
        yield ("dependants_some", 5) if data["dependants"] <= 2 else ("dependants_many", 10)
    if data["skills"]:
        yield "skills_named", 5
    if plan:
        yield "business_plan", 15
    if plan and plan["kbli"][:2] in reference.sectors:
        yield "plan_in_industry", 5
    if data["regency"][:2] in HARD_HIT:
        yield "region_hit_hard", 5
    if reference.sectors.get(data["employer_kbli"][:2]) == "sandang":
        yield "textile_worker", 5
    if (on - date.fromisoformat(data["layoff_on"])).days <= RECENT_DAYS:
        yield "recent_layoff", 5


def _evidence_points(registration: Registration) -> Iterator[tuple[str, int]]:
    if "layoff_letter" in registration.data:
        yield "layoff_letter", 10
    if registration.is_listed:
        yield "on_layoff_list", 20


def _destination(data: Mapping[str, Any], reference: Reference) -> str:
    province, plan = data["regency"][:2], data.get("business_plan")
    sector = reference.sectors.get(plan["kbli"][:2]) if plan else None
    if sector and (province, sector) in reference.incubated:
        return "seat"
    near = [centre for centre in reference.centres if province in centre[1]]
    if not near:
        return "kartu_prakerja"
    own = {sector, reference.sectors.get(data["employer_kbli"][:2])} - {None}
    return min(near, key=lambda centre: (not own & centre[2], centre[0]))[0]
