"""Use cases about reports: take them, and settle those that had to wait."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime, timedelta
from uuid import UUID

from services.reporting.domain import Answers, Decision, Filing, settle
from services.reporting.domain.identity import filing_id_of, permit_id_of
from services.reporting.handlers.announcements import announce, of_decisions
from services.reporting.handlers.desk import Desk
from services.reporting.repository.filings import claim_waiting, has_orphans, has_waiting, refuse_unmatched, save_filings
from services.reporting.repository.ledger import find_periods
from services.reporting.repository.permits import lock_permits
from shared.contracts.intake import FilingSubmitted
from shared.storage import Tx

SETTLE_BATCH = 500
"""Waiting reports settled in one transaction: as many as one consumer batch holds."""

_ANSWERS = tuple(field.name for field in fields(Answers))


def filing_of(event: FilingSubmitted, *, submission_id: UUID, cause: UUID, publisher: str, arrived_at: datetime) -> Filing:
    """Return the report that an event holds."""
    return Filing(
        filing_id=filing_id_of(submission_id),
        submission_id=submission_id,
        cause=cause,
        publisher=publisher,
        permit_number=event.permit_number,
        due_on=event.due_on,
        form=event.form,
        arrived_at=arrived_at,
        answers=Answers(**{name: getattr(event, name) for name in _ANSWERS}),
    )


async def take_filings(tx: Tx, desk: Desk, filings: Sequence[Filing], now: datetime) -> dict[UUID, Decision]:
    """Decide reports and write what follows: ledger, verdicts, events. Returns the decisions by filing id.

    The permits are locked first, so that their ledgers hold still until the commit.
    """
    permits = await lock_permits(tx, {filing.permit_number for filing in filings})
    keys = {(permit_id_of(filing.permit_number), filing.due_on) for filing in filings if filing.permit_number in permits}
    settlement = settle(filings, permits, await find_periods(tx, keys), desk.rules)
    # The ledger before the events: an event must never tell of what is not written.
    await save_filings(tx, settlement.decisions, settlement.periods, now)
    await announce(tx, desk.outbox, of_decisions(settlement.decisions), now)
    return {decision.filing.filing_id: decision for decision in settlement.decisions}


async def settle_waiting(desk: Desk) -> bool:
    """Settle reports whose permit has come or whose period is closed; return whether there may be more."""
    async with desk.database.connection() as connection:
        if not await has_waiting(connection):
            return False
    async with desk.database.transaction() as tx:
        waiting = await claim_waiting(tx, SETTLE_BATCH)
        if waiting:
            await take_filings(tx, desk, waiting, desk.clock.now())
    return len(waiting) == SETTLE_BATCH


async def is_refusing_due(desk: Desk, patience: timedelta) -> bool:
    """Return whether any report has waited for its permit longer than `patience`."""
    async with desk.database.connection() as connection:
        return await has_orphans(connection, desk.clock.now() - patience)


async def refuse_orphans(desk: Desk, upto: datetime, patience: timedelta, consumer: str) -> bool:
    """Refuse reports whose permit did not come within `patience` of business time; return whether there may be more.

    `upto` is an instant up to which `consumer` has read all news of permits: what it did not read yet may bring the permit.
    """
    async with desk.database.transaction() as tx:
        refused = await refuse_unmatched(tx, upto - patience, consumer, limit=SETTLE_BATCH, now=desk.clock.now())
    return refused == SETTLE_BATCH
