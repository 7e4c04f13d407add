"""Kafka in: who hears what. No logic."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from services.reporting.handlers.desk import Desk
from services.reporting.handlers.filings import filing_of, take_filings
from services.reporting.handlers.messages import STATES, keep_message_state
from services.reporting.handlers.permits import SealedContact, seal_changed, seal_issued, take_changed, take_issued, take_revoked
from shared.contracts.intake import FilingSubmitted, PermitChanged, PermitIssued, PermitRevoked
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
    kept = KeepMessageState()
    return (
        Subscription(
            NAME,
            "permits",
            INTAKE_PERMITS,
            {PermitIssued: OpenPermits(desk), PermitChanged: ChangePermits(desk), PermitRevoked: RevokePermits(desk)},
            apart_seconds=APART_SECONDS,
        ),
        Subscription(NAME, "filings", INTAKE_FILINGS, {FilingSubmitted: TakeFilings(desk)}, apart_seconds=APART_SECONDS),
        Subscription(NAME, "notices", NOTICES, dict.fromkeys(STATES, kept), takes_runs=True, apart_seconds=APART_SECONDS),
    )


@dataclass(frozen=True, slots=True)
class OpenPermits:
    """Hears that permits were issued."""

    desk: Desk

    async def prepare(self, batch: Sequence[Received[PermitIssued]]) -> dict[UUID, str | None]:
        """Seal the contacts."""
        return await seal_issued(self.desk, batch)

    async def apply(
        self, tx: Tx, batch: Sequence[Received[PermitIssued]], sealed: Mapping[UUID, str | None]
    ) -> Sequence[Outcome]:
        """Open the permits."""
        return await take_issued(tx, self.desk, batch, sealed)


@dataclass(frozen=True, slots=True)
class ChangePermits:
    """Hears that permits' master data changed."""

    desk: Desk

    async def prepare(self, batch: Sequence[Received[PermitChanged]]) -> dict[UUID, SealedContact]:
        """Seal the new contacts."""
        return await seal_changed(self.desk, batch)

    async def apply(
        self, tx: Tx, batch: Sequence[Received[PermitChanged]], sealed: Mapping[UUID, SealedContact]
    ) -> Sequence[Outcome]:
        """Change the permits."""
        return await take_changed(tx, self.desk, batch, sealed)


@dataclass(frozen=True, slots=True)
class RevokePermits:
    """Hears that permits were revoked."""

    desk: Desk

    async def prepare(self, batch: Sequence[Received[PermitRevoked]]) -> None:
        """Need nothing."""

    async def apply(self, tx: Tx, batch: Sequence[Received[PermitRevoked]], _: None) -> Sequence[Outcome]:
        """Revoke the permits."""
        return await take_revoked(tx, self.desk, batch)


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
