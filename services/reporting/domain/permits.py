"""Permits: what is known of one, and what is wrong with news about it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from uuid import UUID

_KBLI = re.compile(r"[0-9]{5}")
_REGENCY = re.compile(r"[0-9]{2}\.[0-9]{2}")


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found: a code and the field that it is about; never a value."""

    code: str
    field: str = ""


class PermitState(StrEnum):
    """Whether a permit stands."""

    ACTIVE = "active"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True)
class Permit:
    """One IOMKI permit, the unit of reporting: a company may hold several.

    `company` is its sealed box: passed on with events, not opened. `supervised_from` is the first day that counts.
    """

    permit_id: UUID
    number: str
    state: PermitState
    nib: str
    kbli: str
    is_estate: bool
    regency: str
    workers: int
    issued_on: date
    supervised_from: date
    revoked_on: date | None
    company: str
    company_version: int

    def owes(self, due_on: date) -> bool:
        """Return whether the permit stood on a due day, so far as is known."""
        return self.issued_on <= due_on and (self.revoked_on is None or due_on < self.revoked_on)

    def change(self, *, regency: str | None, workers: int | None, company: str | None) -> Permit:
        """Return the permit with new master data; what is absent stays."""
        return replace(
            self,
            regency=self.regency if regency is None else regency,
            workers=self.workers if workers is None else workers,
            company=self.company if company is None else company,
            company_version=self.company_version + (company is not None),
        )

    def revoke(self, revoked_on: date) -> Permit:
        """Return the permit as revoked; the first day of a revocation stands until the permit is issued anew."""
        # A second notice of the same revocation must not move its day.
        if self.state is PermitState.REVOKED:
            return self
        return replace(self, state=PermitState.REVOKED, revoked_on=revoked_on)


def issue(known: Permit | None, issued: Permit) -> Permit | None:
    """Return the permit after news of its issue, None when the news is older than what is known.

    News of a permit that stands renews its master data. A revoked one stands again if it was issued after the revocation.
    """
    if known is None:
        return issued
    version = known.company_version + 1
    # Supervision goes on from where it was: a renewal neither forgives nor adds a period.
    if known.revoked_on is None:
        return replace(issued, company_version=version, issued_on=known.issued_on, supervised_from=known.supervised_from)
    return replace(issued, company_version=version) if issued.issued_on > known.revoked_on else None


def supervised_from(issued_on: date, known_on: date) -> date:
    """Return the first day whose report is expected: nobody is warned for a time when the permit was not known here."""
    return max(issued_on, known_on)


def check_issue(*, kbli: str, regency: str, issued_on: date, today: date) -> list[Finding]:
    """Return why news of an issued permit is refused; nothing when it is taken."""
    return [
        *_check_kbli(kbli),
        *_check_regency(regency),
        *_check_day(issued_on, today, "issued_on"),
    ]


def check_change(*, regency: str | None) -> list[Finding]:
    """Return why a change of a permit's master data is refused."""
    return [] if regency is None else list(_check_regency(regency))


def check_revocation(*, revoked_on: date, today: date) -> list[Finding]:
    """Return why a revocation is refused."""
    return list(_check_day(revoked_on, today, "revoked_on"))


def _check_kbli(kbli: str) -> Iterator[Finding]:
    if not _KBLI.fullmatch(kbli):
        yield Finding("KBLI_INVALID", "kbli")


def _check_regency(regency: str) -> Iterator[Finding]:
    if not _REGENCY.fullmatch(regency):
        yield Finding("REGENCY_INVALID", "regency")


def _check_day(day: date, today: date, field: str) -> Iterator[Finding]:
    if day > today:
        yield Finding("DATE_IN_FUTURE", field)
