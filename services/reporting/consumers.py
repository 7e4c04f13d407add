"""Kafka in: who hears what. No logic."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from services.reporting.handlers.desk import Desk
from services.reporting.handlers.filings import filing_of, take_filings
from services.reporting.handlers.messages import STATES, keep_message_state
from services.reporting.handlers.permits import Sealed, seal_contacts, take_news
from shared.contracts.intake import FilingSubmitted, PermitChanged, PermitEvent, PermitIssued, PermitRevoked
from shared.contracts.notification import NoticeEvent
from shared.contracts.topics import INTAKE_FILINGS, INTAKE_PERMITS, NOTICES
from shared.messaging import Handled, Outcome, Received, Subscription
from shared.messaging.records import seen_id
from shared.storage import Tx

NAME = "reporting"
APART_SECONDS = 0.25
"""Between batches: a report counts by the time at which the broker took it, and its receipt goes out by e-mail."""


def subscriptions(desk: Desk) -> tuple[Subscription, Subscription, Subscription]:
    """Return what the service hears: permits, filings, and what became of its messages."""
    permits, kept = TakePermits(desk), KeepMessageState()
    return (
        Subscription(
            NAME,
            "permits",
            INTAKE_PERMITS,
            dict.fromkeys((PermitIssued, PermitChanged, PermitRevoked), permits),
            apart_seconds=APART_SECONDS,
        ),
        Subscription(NAME, "filings", INTAKE_FILINGS, {FilingSubmitted: TakeFilings(desk)}, apart_seconds=APART_SECONDS),
        Subscription(NAME, "notices", NOTICES, dict.fromkeys(STATES, kept), takes_runs=True, apart_seconds=APART_SECONDS),
    )


@dataclass(frozen=True, slots=True)
class TakePermits:
    """Hears that permits were issued, that their master data changed, that they were revoked; all kinds in one set, in their order."""

    desk: Desk

    async def prepare(self, batch: Sequence[Received[PermitEvent]]) -> Sealed:
        """Seal the contacts."""
        return await seal_contacts(self.desk, batch)

    async def apply(self, tx: Tx, batch: Sequence[Received[PermitEvent]], sealed: Sealed) -> Sequence[Outcome]:
        """Open, change and revoke the permits."""
        return await take_news(tx, self.desk, batch, sealed)


@dataclass(frozen=True, slots=True)
class TakeFilings:
    """Hears that companies filed reports."""

    desk: Desk

    async def prepare(self, batch: Sequence[Received[FilingSubmitted]]) -> None:
        """Need nothing: a report holds no box, and the company's box is passed on unopened."""

    async def apply(self, tx: Tx, batch: Sequence[Received[FilingSubmitted]], _: None) -> Sequence[Outcome]:
        """Decide the reports."""
        filings = [
            filing_of(
                item.event,
                submission_id=seen_id(item.envelope, item.publisher or ""),
                cause=item.id,
                publisher=item.publisher or "",
                arrived_at=item.arrived_at,
            )
            for item in batch
        ]
        # The broker's time decides what is in time; this moment is only when it was decided.
        decisions = await take_filings(tx, self.desk, filings, self.desk.clock.now())
        return [Handled(decisions[filing.filing_id].verdict.state.value) for filing in filings]


@dataclass(frozen=True, slots=True)
class KeepMessageState:
    """Hears what became of messages."""

    async def prepare(self, batch: Sequence[Received[NoticeEvent]]) -> None:
        """Need nothing."""

    async def apply(self, tx: Tx, batch: Sequence[Received[NoticeEvent]], _: None) -> Sequence[Outcome]:
        """Keep their states."""
        return await keep_message_state(tx, batch)
