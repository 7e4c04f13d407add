"""What is asked of a registration and of a line of a layoff list. Identifiers come parsed; days are days in WIB."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from datetime import date
from enum import Enum
from typing import NamedTuple

from services.registration.domain.reasons import Finding

YOUNGEST_YEARS = 13
"""Our assumption: below this a birth date is a slip. Whether somebody is old enough for support, eligibility decides."""
OLDEST_YEARS = 110
"""Our assumption: above this a birth date is a slip."""
OLDEST_LAYOFF_YEARS = 60
"""Our assumption: an older day of a layoff is a slip."""
_CONTROLS = frozenset({"Cc", "Cs", "Co", "Cn"})


class Verdict(Enum):
    """What became of a submission."""

    ACCEPTED = "accepted"
    """A registration: the worker is registered now."""
    DUPLICATE = "duplicate"
    """The worker is registered already, or this line of the list is known."""
    REFUSED = "refused"
    """The content cannot be right; see the reasons."""
    EVIDENCE = "evidence"
    """A line of a layoff list, kept as evidence; somebody not met before is pre-registered by it."""
    ERASED = "erased"
    """The person had their data erased; nothing is kept of the submission."""


class Nik(NamedTuple):
    """A population number as it was read. Without faults `number` has 16 digits."""

    number: str
    faults: tuple[str, ...] = ()
    born: tuple[int, int, int] | None = None
    """Day, month and two-digit year as the number states them, the day without women's 40."""


class Regency(NamedTuple):
    """A Kemendagri code as it was read; `fault` says what is wrong with it."""

    code: str
    fault: str | None = None
    is_retired: bool = False

    @property
    def province(self) -> str:
        """Return the province's two digits."""
        return self.code[:2]


class Reach(NamedTuple):
    """How somebody can be written to; None for what is absent or of no use."""

    phone: str | None
    email: str | None
    is_phone_given: bool
    is_email_given: bool

    @property
    def is_usable(self) -> bool:
        """Whether there is a way at all."""
        return bool(self.phone or self.email)


class Claims(NamedTuple):
    """What a submission claims, as far as it is judged here. None means that the kind of submission has no such claim."""

    nik: Nik
    name: str
    birth_date: date | None
    layoff_on: date
    employer: str
    regency: Regency | None
    employer_kbli: str | None
    plan_kbli: str | None = None
    kk: str | None = None
    reach: Reach | None = None


class Judgement(NamedTuple):
    """What was found; with any reason the submission is refused."""

    reasons: tuple[Finding, ...]
    warnings: tuple[Finding, ...]


def judge(claims: Claims, today: date) -> Judgement:
    """Return every reason to refuse and every warning, in the order of the fields."""
    return Judgement(tuple(_reasons(claims, today)), tuple(_warnings(claims)))


def is_kbli(text: str) -> bool:
    """Whether the text has the form of a KBLI class: five digits. No section is asked for: estates are not in section C."""
    return len(text) == 5 and text.isascii() and text.isdigit()


def is_kk(text: str) -> bool:
    """Whether the text has the form of a family card number: 16 digits."""
    return len(text) == 16 and text.isascii() and text.isdigit()


def _reasons(claims: Claims, today: date) -> Iterator[Finding]:
    yield from (Finding(fault, "nik") for fault in claims.nik.faults)
    if fault := _name_fault(claims.name):
        yield Finding(fault, "name")
    if claims.birth_date and (fault := _birth_fault(claims.birth_date, today)):
        yield Finding(fault, "birth_date")
    if fault := _layoff_fault(claims, today):
        yield Finding(fault, "layoff_on")
    if claims.regency and claims.regency.fault:
        yield Finding(claims.regency.fault, "regency")
    if not claims.employer.strip():
        yield Finding("EMPLOYER_MISSING", "employer")
    if claims.employer_kbli and not is_kbli(claims.employer_kbli):
        yield Finding("EMPLOYER_KBLI_FORMAT", "employer_kbli")
    if claims.plan_kbli is not None and not is_kbli(claims.plan_kbli):
        yield Finding("PLAN_KBLI_FORMAT", "business_plan.kbli")


def _name_fault(name: str) -> str | None:
    if not name.strip():
        return "NAME_MISSING"
    has_letter = any(map(str.isalpha, name))
    # Nothing that can be printed is one of these: most names need no look at each character.
    has_control = not name.isprintable() and any(unicodedata.category(character) in _CONTROLS for character in name)
    return None if has_letter and not has_control else "NAME_MALFORMED"


def _birth_fault(birth_date: date, today: date) -> str | None:
    if birth_date > today:
        return "BIRTH_DATE_FUTURE"
    return None if YOUNGEST_YEARS <= years_between(birth_date, today) <= OLDEST_YEARS else "AGE_IMPOSSIBLE"


def _layoff_fault(claims: Claims, today: date) -> str | None:
    day, birth_date = claims.layoff_on, claims.birth_date
    if day > today:
        return "LAYOFF_FUTURE"
    is_too_old = years_between(day, today) > OLDEST_LAYOFF_YEARS
    is_before_work = birth_date is not None and birth_date <= today and years_between(birth_date, day) < YOUNGEST_YEARS
    return "LAYOFF_IMPOSSIBLE" if is_too_old or (is_before_work and not _birth_fault(birth_date or day, today)) else None


def _warnings(claims: Claims) -> Iterator[Finding]:
    if claims.birth_date and claims.nik.born and claims.nik.born != _as_in_nik(claims.birth_date):
        # Where birth data was corrected the number stays as it was: legal, so it is no reason to refuse.
        yield Finding("NIK_BIRTH_DATE_DIFFERS", "birth_date")
    if claims.kk and not is_kk(claims.kk):
        yield Finding("KK_UNUSABLE", "kk")
    if claims.regency and claims.regency.is_retired:
        yield Finding("REGENCY_RETIRED", "regency")
    if claims.reach is not None:
        yield from _reach_warnings(claims.reach)


def _reach_warnings(reach: Reach) -> Iterator[Finding]:
    if reach.is_phone_given and reach.phone is None:
        yield Finding("PHONE_UNUSABLE", "phone")
    if reach.is_email_given and reach.email is None:
        yield Finding("EMAIL_UNUSABLE", "email")
    if not reach.is_usable:
        yield Finding("NO_CONTACT", "phone")


def _as_in_nik(day: date) -> tuple[int, int, int]:
    return day.day, day.month, day.year % 100


def years_between(start: date, end: date) -> int:
    """Return full years from one day to another."""
    return end.year - start.year - ((end.month, end.day) < (start.month, start.day))
