"""Builders of permits, reports and rules for the tests of IOMKI supervision."""

from __future__ import annotations

import itertools
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

from services.reporting.domain import Answers, Filing, Permit, PermitState, Rules
from services.reporting.domain.identity import permit_id_of
from services.reporting.policies import load_rules

JAKARTA = ZoneInfo("Asia/Jakarta")
RULES: Rules = load_rules(Path(__file__).parents[3] / "policies" / "iomki")
CALENDAR = RULES.calendar
NUMBER = "IOMKI-0001"
_NUMBERS = itertools.count(1)
_NAMES = UUID("0b1e5a52-5d0f-4b5f-9f53-2a7f3a3d9c11")


def wib(text: str) -> datetime:
    """Return an instant given as local time of Jakarta."""
    return datetime.fromisoformat(text).replace(tzinfo=JAKARTA).astimezone(UTC)


def a_permit(number: str = NUMBER, *, issued_on: date = date(2021, 7, 1), **changes: Any) -> Permit:
    """Return a permit of a company with 100 workers that stands."""
    values: dict[str, Any] = {
        "permit_id": permit_id_of(number),
        "number": number,
        "state": PermitState.ACTIVE,
        "nib": "9120001234567",
        "kbli": "10710",
        "is_estate": False,
        "regency": "32.73",
        "workers": 100,
        "issued_on": issued_on,
        "supervised_from": issued_on,
        "revoked_on": None,
        "company": "v1.sealed",
        "company_version": 1,
    }
    return Permit(**{**values, **changes})


def some_answers(**changes: Any) -> Answers:
    """Return answers on the 2021 form that every check passes."""
    values: dict[str, Any] = {
        "employees_total": 100,
        "employees_on_site": 40,
        "vaccinated": 60,
        "pcr_tests": 0,
        "antigen_tests": 5,
        "uses_pedulilindungi": True,
        "is_declared_true": True,
    }
    return Answers(**{**values, **changes})


def a_filing(due_on: date, arrived_at: datetime, *, form: str = "2021-v1", number: str = NUMBER, **answers: Any) -> Filing:
    """Return a report with an identity of its own; `answers` change what it says."""
    identity = uuid5(_NAMES, str(next(_NUMBERS)))
    return Filing(
        filing_id=identity,
        submission_id=identity,
        cause=identity,
        publisher="siinas",
        permit_number=number,
        due_on=due_on,
        form=form,
        arrived_at=arrived_at,
        answers=some_answers(**answers),
    )
