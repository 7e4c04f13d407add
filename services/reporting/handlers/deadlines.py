"""Use cases that come by time: filling the ledger ahead, and closing periods whose deadline has passed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from uuid import UUID

from services.reporting import metrics
from services.reporting.domain import Period, Permit, WrittenWarning, sanctions
from services.reporting.handlers.announcements import Announcement, announce, of_miss
from services.reporting.handlers.desk import Desk
from services.reporting.repository.ledger import (
    Horizon,
    add_warnings,
    fill_expected,
    find_fill_start,
    find_ledgers,
    has_overdue,
    mark_swept,
    save_periods,
)
from services.reporting.repository.permits import lock_overdue_permits
from shared.storage import Tx

FILL_BATCH = 1000
"""Permits whose ledger is filled in one transaction: some ten thousand rows at most, well under a second."""
CLOSE_BATCH = 200
"""Permits closed in one transaction: their whole ledgers are read, and a lock on them delays their reports."""


async def fill_ahead(desk: Desk, *, ahead: timedelta, refill: timedelta) -> bool:
    """Fill the ledger up to `ahead` for permits that have less than `refill`; return whether there may be more."""
    now, calendar = desk.clock.now(), desk.rules.calendar
    today = calendar.day_of(now)
    horizon = Horizon(today + refill, today + ahead)
    # The usual case, at the price of one look. Marked on every run, with or without work: the audit tells a quiet duty from a dead one by it.
    async with desk.database.connection() as connection:
        start = await find_fill_start(connection, horizon, calendar, now)
    if start is None:
        return False
    days = list(calendar.due_days(start, horizon.until))
    async with desk.database.transaction() as tx:
        filled = await fill_expected(tx, days, horizon, calendar, now=now, limit=FILL_BATCH)
        await mark_swept(tx, "fill", now)
    return filled == FILL_BATCH


async def is_closing_due(desk: Desk) -> bool:
    """Return whether any deadline has passed, at the cost of one look at an index."""
    async with desk.database.connection() as connection:
        return await has_overdue(connection, desk.clock.now())


async def close_periods(desk: Desk, upto: datetime, consumers: Sequence[str]) -> bool:
    """Record a miss and issue a warning for each period whose deadline lies before `upto`; return whether there may be more.

    `upto` is an instant up to which everything that had arrived was read by `consumers`. Permits of which something is
    still waiting, at a gate or for its permit, are left for later.
    """
    now = desk.clock.now()
    misses = 0
    async with desk.database.transaction() as tx:
        permits = await lock_overdue_permits(tx, upto, consumers, CLOSE_BATCH)
        if permits:
            misses = await _close(tx, desk, permits, upto=upto, now=now)
        await mark_swept(tx, "close", upto)
    metrics.MISSES.inc(misses)
    return len(permits) == CLOSE_BATCH


async def _close(tx: Tx, desk: Desk, permits: Sequence[Permit], *, upto: datetime, now: datetime) -> int:
    ledgers = await find_ledgers(tx, [permit.permit_id for permit in permits])
    missed: list[Period] = []
    warnings: list[tuple[UUID, WrittenWarning]] = []
    said: list[Announcement] = []
    for permit in permits:
        for period, warning in _misses(ledgers[permit.permit_id], upto):
            missed.append(period)
            warnings.append((permit.permit_id, warning))
            said += of_miss(permit, period, warning)
    await save_periods(tx, missed)
    await add_warnings(tx, warnings, now)
    await announce(tx, desk.outbox, said, now)
    return len(missed)


def _misses(ledger: Sequence[Period], upto: datetime) -> list[tuple[Period, WrittenWarning]]:
    """Return the periods that are missed now, each with the warning that follows from the ledger as it then is."""
    closed = [period.miss(upto) for period in ledger]
    steps: Mapping[date, WrittenWarning] = {step.due_on: step for step in sanctions(closed)}
    # `miss` returns the very period where nothing changes.
    return [(new, steps[new.due_on]) for old, new in zip(ledger, closed, strict=True) if new is not old]
