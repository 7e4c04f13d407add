"""What is read by companies, officers and the live page."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from services.reporting.domain import Finding, Period
from services.reporting.repository.ledger import read_period
from services.reporting.repository.rows import SQL, read_findings
from shared.storage import Tx


@dataclass(frozen=True, slots=True)
class CalendarEntry:
    """One period of a permit, with the state and the errors of the report that came last for it."""

    period: Period
    last_state: str | None
    last_errors: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class SubmissionVerdict:
    """What became of one submission, a report or news about a permit."""

    kind: str
    publisher: str
    permit_number: str | None
    due_on: date | None
    outcome: str
    is_late: bool
    errors: tuple[Finding, ...]
    warnings: tuple[Finding, ...]
    arrived_at: datetime
    decided_at: datetime


async def find_calendar(tx: Tx, permit_id: UUID, first: date, last: date) -> list[CalendarEntry]:
    """Return a permit's periods between two days, oldest first."""
    rows = await tx.fetch(SQL["find_calendar"], permit_id, first, last)
    return [CalendarEntry(read_period(row), row["last_state"], read_findings(row["last_errors"] or "[]")) for row in rows]


async def find_verdict(tx: Tx, submission_id: UUID) -> SubmissionVerdict | None:
    """Return what became of a submission, None where nothing is known of it."""
    row = await tx.fetchrow(SQL["find_verdict"], submission_id)
    if row is None:
        return None
    values = dict(row)
    # The driver hands over jsonb as text.
    findings = {name: read_findings(values[name]) for name in ("errors", "warnings")}
    return SubmissionVerdict(**{**values, **findings})


async def count_by_province(tx: Tx, regions: Collection[str]) -> list[dict[str, Any]]:
    """Return the ministry's counts by province; no regions means the whole country."""
    return [dict(row) for row in await tx.fetch(SQL["count_by_province"], list(regions))]


async def count_overview(tx: Tx) -> dict[str, int]:
    """Return the numbers of the live page."""
    row = await tx.fetchrow(SQL["count_overview"])
    return dict(row) if row else {}
