"""The ledger of expected reports as rows, filled ahead and closed in sets."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

import asyncpg

from services.reporting.domain import Calendar, Period, PeriodState, WrittenWarning
from services.reporting.domain.identity import warning_id_of
from services.reporting.domain.settlement import PeriodKey
from services.reporting.repository.rows import SQL, columns
from shared.storage import Tx

PERIOD_FIELDS = ("permit_id", "due_on", "deadline", "state", "filing_id", "filed_at", "versions", "missed_at")


@dataclass(frozen=True, slots=True)
class Horizon:
    """How far the ledger reaches ahead: permits filled to less than `refill_before` are filled up to `until`."""

    refill_before: date
    until: date


def read_period(row: asyncpg.Record) -> Period:
    """Return the period of a row."""
    values = {name: row[name] for name in PERIOD_FIELDS}
    return Period(**{**values, "state": PeriodState(row["state"])})


async def find_periods(tx: Tx, keys: Collection[PeriodKey]) -> dict[PeriodKey, Period]:
    """Return the ledger's rows of these permits and due days."""
    permit_ids, days = zip(*keys, strict=True) if keys else ((), ())
    rows = await tx.fetch(SQL["find_periods"], permit_ids, days)
    return {(row["permit_id"], row["due_on"]): read_period(row) for row in rows}


async def find_ledgers(tx: Tx, permit_ids: Collection[UUID]) -> dict[UUID, list[Period]]:
    """Return the whole ledger of each permit, oldest period first."""
    ledgers: dict[UUID, list[Period]] = defaultdict(list)
    for row in await tx.fetch(SQL["find_ledgers"], list(permit_ids)):
        ledgers[row["permit_id"]].append(read_period(row))
    return ledgers


async def save_periods(tx: Tx, periods: Sequence[Period]) -> None:
    """Write the ledger's rows as they are now; each once."""
    if periods:
        await tx.execute(SQL["save_periods"], *columns(periods, PERIOD_FIELDS))


async def find_fill_start(tx: Tx, horizon: Horizon, calendar: Calendar, now: datetime) -> date | None:
    """Return the first day to be filled by this version of the calendar; None, and remembered so, where none is."""
    start: date | None = await tx.fetchval(SQL["find_fill_start"], horizon.refill_before, calendar.version, now)
    return start


async def fill_expected(tx: Tx, days: Sequence[date], horizon: Horizon, calendar: Calendar, *, now: datetime, limit: int) -> int:
    """Fill the ledger of permits that need it, by this version of the calendar; return how many were looked at."""
    deadlines = [calendar.deadline(day) for day in days]
    filled: int = await tx.fetchval(
        SQL["fill_expected"], horizon.refill_before, horizon.until, days, deadlines, calendar.version, limit, now
    )
    return filled


async def has_overdue(tx: Tx, now: datetime) -> bool:
    """Return whether any expected report's deadline has passed."""
    overdue: bool = await tx.fetchval(SQL["has_overdue"], now)
    return overdue


async def add_warnings(tx: Tx, warnings: Sequence[tuple[UUID, WrittenWarning]], now: datetime) -> None:
    """Issue written warnings to permits."""
    if not warnings:
        return
    steps = [step for _, step in warnings]
    await tx.execute(
        SQL["add_warnings"],
        [warning_id_of(permit_id, step.due_on) for permit_id, step in warnings],
        [permit_id for permit_id, _ in warnings],
        *columns(steps, ("due_on", "number")),
        [json.dumps([day.isoformat() for day in step.missed]) for step in steps],
        now,
    )


async def mark_swept(tx: Tx, name: str, at: datetime) -> None:
    """Remember how far, in business time, a recurring duty has come."""
    await tx.execute(SQL["mark_swept"], name, at)
