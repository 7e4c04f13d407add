"""Made-up IOMKI permits and their reports over two weeks: most in time, some late, wrong, mended or missing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any, Literal

from rintis.demo import names

Behaviour = Literal["in_time", "late", "missing", "wrong", "mended", "corrected"]

DUE_DAYS = (date(2020, 5, 15), date(2020, 5, 22))
"""Fridays within the demo's two weeks (policies/iomki/calendar.json)."""
SHARES: tuple[tuple[Behaviour, int], ...] = (
    ("in_time", 80),
    ("late", 6),
    ("missing", 5),
    ("wrong", 3),
    ("mended", 4),
    ("corrected", 2),
)
DEADLINE_UTC_HOURS = 17
"""23:59 WIB is just before 17:00 UTC."""
WRONG: tuple[tuple[str, dict[str, Any]], ...] = (
    ("ON_SITE_ABOVE_TOTAL", {"employees_on_site": 99_999}),
    ("CASES_ABOVE_TOTAL", {"cases_confirmed": 99_999}),
    ("FORM_UNKNOWN", {"form": "2019-v9"}),
)


@dataclass(frozen=True, slots=True)
class Filing:
    """One report: when it is sent, in business time, and the codes it must be returned with, if any."""

    data: dict[str, Any]
    send_at: datetime
    errors: tuple[str, ...] = ()

    @property
    def is_late(self) -> bool:
        """Return whether it is sent after its deadline."""
        return self.send_at >= deadline(date.fromisoformat(self.data["due_on"]))


@dataclass(frozen=True, slots=True)
class Permit:
    """One permit with all its reports."""

    data: dict[str, Any]
    filings: tuple[Filing, ...]

    @property
    def number(self) -> str:
        """Return the permit number."""
        return str(self.data["permit_number"])


def deadline(due_on: date) -> datetime:
    """Return the first instant that is too late for a due day."""
    return datetime(due_on.year, due_on.month, due_on.day, DEADLINE_UTC_HOURS, tzinfo=UTC)


def generate(count: int, seed: int) -> tuple[Permit, ...]:
    """Return `count` permits, the same for the same seed."""
    random = Random(seed + 1)  # noqa: S311 - repeatable on purpose, nothing secret comes of it
    return tuple(_permit(random, number) for number in range(count))


def _permit(random: Random, number: int) -> Permit:
    workers = random.randint(20, 900)
    data = {
        "permit_number": f"IOMKI-DEMO-{number:05d}",
        "company": f"PT {random.choice(names.COMPANIES)} {random.choice(names.ADJECTIVES)}",
        "nib": f"81200{number:08d}",
        "kbli": random.choice(names.EMPLOYER_KBLI[:-1]),
        "is_estate": random.random() < 0.02,
        "regency": random.choices([code for code, _ in names.REGIONS], [weight for _, weight in names.REGIONS])[0],
        "workers": workers,
        "contact": _contact(random, number),
        "issued_on": (date(2020, 4, 28) + timedelta(days=random.randint(0, 9))).isoformat(),
    }
    filings = [filing for due_on in DUE_DAYS for filing in _filings(random, data, due_on)]
    return Permit(data, tuple(filings))


def _contact(random: Random, number: int) -> dict[str, Any]:
    has_phone, has_email = random.choices(((True, True), (False, True), (True, False), (False, False)), (70, 20, 8, 2))[0]
    contact = {
        "name": f"{random.choice(names.WOMEN)} {random.choice(names.FAMILY)}",
        "phone": f"0813{number:08d}" if has_phone else None,
        "email": f"hse.{number}@perusahaan.contoh.id" if has_email else None,
    }
    return {key: value for key, value in contact.items() if value is not None}


def _filings(random: Random, permit: dict[str, Any], due_on: date) -> list[Filing]:
    behaviour = random.choices([name for name, _ in SHARES], [share for _, share in SHARES])[0]
    end = deadline(due_on)
    early = end - timedelta(hours=random.randint(30, 84))
    good = report(random, permit, due_on)
    code, change = random.choice(WRONG)
    wrong = Filing(good | change | {"reference": f"{good['reference']}-A"}, early, (code,))
    mended = Filing(good | {"reference": f"{good['reference']}-B"}, early + timedelta(hours=12))
    plans: dict[Behaviour, list[Filing]] = {
        "in_time": [Filing(good, early)],
        "late": [Filing(good, end + timedelta(hours=random.randint(3, 12)))],
        "missing": [],
        "wrong": [wrong],
        "mended": [wrong, mended],
        "corrected": [Filing(good, early), mended],
    }
    return plans[behaviour]


def report(random: Random, permit: dict[str, Any], due_on: date) -> dict[str, Any]:
    """Return a report for a day that nothing is wrong with."""
    return {
        "permit_number": permit["permit_number"],
        "reference": f"LAP-{permit['permit_number']}-{due_on:%m%d}",
        "due_on": due_on.isoformat(),
        "form": "2020-v1",
        "employees_total": permit["workers"],
        "employees_on_site": permit["workers"] // 2,
        "cases_suspected": random.choice((0, 0, 0, 1)),
        "has_screening": random.random() < 0.97,
        "has_protocol_sop": True,
        "transport": "bus karyawan",
        "is_declared_true": True,
    }
