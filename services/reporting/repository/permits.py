"""Permits as rows, and what became of news about them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

import asyncpg

from services.reporting.domain import Finding, Permit, PermitState
from services.reporting.repository.rows import SQL, columns, findings_json
from shared.storage import Tx

_FIELDS = (
    *("permit_id", "number", "state", "nib", "kbli", "is_estate", "regency", "workers"),
    *("issued_on", "supervised_from", "revoked_on", "company", "company_version"),
)


@dataclass(frozen=True, slots=True)
class News:
    """One piece of news about a permit and its outcome: accepted, superseded or refused."""

    submission_id: UUID
    permit_id: UUID
    kind: str
    publisher: str
    outcome: str
    errors: tuple[Finding, ...]
    arrived_at: datetime


def read_permit(row: asyncpg.Record) -> Permit:
    """Return the permit of a row."""
    values = {name: row[name] for name in _FIELDS}
    return Permit(**{**values, "state": PermitState(row["state"])})


async def lock_permits(tx: Tx, numbers: Collection[str]) -> dict[str, Permit]:
    """Return the known permits of these numbers, locked: their ledgers are ours until the commit."""
    return {row["number"]: read_permit(row) for row in await tx.fetch(SQL["lock_permits"], list(numbers))}


async def find_permits(tx: Tx, numbers: Collection[str]) -> dict[str, Permit]:
    """Return the known permits of these numbers."""
    return {row["number"]: read_permit(row) for row in await tx.fetch(SQL["find_permits"], list(numbers))}


async def lock_overdue_permits(tx: Tx, upto: datetime, consumers: Sequence[str], limit: int) -> list[Permit]:
    """Return permits with a deadline before `upto`, locked, leaving out those of which something still waits."""
    return [read_permit(row) for row in await tx.fetch(SQL["lock_overdue_permits"], upto, consumers, limit)]


async def save_permits(tx: Tx, permits: Sequence[Permit], news: Sequence[News], now: datetime) -> None:
    """Write permits as they are now, each once, and remember the outcome of each piece of news."""
    fields = ("submission_id", "permit_id", "kind", "publisher", "outcome")
    errors = [findings_json(item.errors) for item in news]
    arrived = [item.arrived_at for item in news]
    await tx.execute(SQL["save_permits"], *columns(permits, _FIELDS), now, *columns(news, fields), errors, arrived)


async def find_last_changes(tx: Tx, permit_ids: Collection[UUID]) -> dict[UUID, datetime]:
    """Return when the last change that was accepted arrived, for each permit that has one."""
    return {row["permit_id"]: row["arrived_at"] for row in await tx.fetch(SQL["find_last_changes"], list(permit_ids))}


async def cancel_expected(tx: Tx, revocations: Sequence[tuple[UUID, date]]) -> None:
    """Owe nothing any more from each permit's day of revocation on."""
    if revocations:
        permit_ids, days = zip(*revocations, strict=True)
        await tx.execute(SQL["cancel_expected"], permit_ids, days)
