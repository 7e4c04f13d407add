"""Use case: what others decided and sent is kept, so that a worker who asks gets an answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from services.registration.repository.statuses import (
    HeardDecision,
    HeardMessage,
    HeardPlacement,
    keep_decisions,
    keep_messages,
    keep_placements,
)
from shared.contracts.eligibility import (
    Decision,
    EligibilityConfirmed,
    EligibilityDenied,
    OfferAccepted,
    OfferDeclined,
    OfferExpired,
    Placement,
    ReviewAsked,
    SeatOffered,
    WorkerReferred,
    WorkerWaitlisted,
)
from shared.contracts.notification import MessageEvent, MessageFailed, MessageSent, MessageSkipped, MessageUnknown
from shared.messaging import HANDLED, SUPERSEDED, Outcome, Received
from shared.messaging.outcomes import IGNORED
from shared.storage import Tx

DECISIONS: Mapping[type[Decision], str] = {
    EligibilityConfirmed: "confirmed",
    EligibilityDenied: "denied",
    ReviewAsked: "review_asked",
}
PLACEMENTS: Mapping[type[Placement], str] = {
    SeatOffered: "offered",
    WorkerWaitlisted: "waitlisted",
    OfferAccepted: "accepted",
    OfferDeclined: "declined",
    OfferExpired: "expired",
    WorkerReferred: "referred",
}
MESSAGES: Mapping[type[MessageEvent], str] = {
    MessageSent: "sent",
    MessageFailed: "failed",
    MessageSkipped: "skipped",
    MessageUnknown: "unknown",
}


class KeepDecisions:
    """Hears decisions."""

    async def prepare(self, batch: Sequence[Received[Decision]]) -> None:
        """Need nothing."""

    async def apply(self, tx: Tx, batch: Sequence[Received[Decision]], _: None) -> None:
        """Keep the last of each worker: a worker's events come in order."""
        heard = [
            HeardDecision(e.worker_id, DECISIONS[type(e)], e.programme, e.reasons, item.envelope.time)
            for item in batch
            for e in (item.event,)
        ]
        await keep_decisions(tx, heard)


class KeepPlacements:
    """Hears placements."""

    async def prepare(self, batch: Sequence[Received[Placement]]) -> None:
        """Need nothing."""

    async def apply(self, tx: Tx, batch: Sequence[Received[Placement]], _: None) -> None:
        """Keep the last of each worker: a worker's events come in order."""
        await keep_placements(tx, [_placement(item) for item in batch])


class KeepMessages:
    """Hears what became of messages."""

    async def prepare(self, batch: Sequence[Received[MessageEvent]]) -> None:
        """Need nothing."""

    async def apply(self, tx: Tx, batch: Sequence[Received[MessageEvent]], _: None) -> Sequence[Outcome]:
        """Keep the last of each worker; companies and the refused are no workers of ours.

        A worker has several messages: each event stands for itself, and one that was put back may be older than what is known.
        """
        heard = [
            HeardMessage(item.event.subject_id, MESSAGES[type(item.event)], vars(item.event).get("channel"), item.envelope.time)
            for item in batch
        ]
        stands = await keep_messages(tx, heard)
        return [_outcome(stands.get(item.event.subject_id)) for item in batch]


def _outcome(stands: bool | None) -> Outcome:  # noqa: FBT001 - None is a third answer: no worker of ours
    """Return what news about one subject came to; what came before it in the same batch was news in its turn."""
    if stands is None:
        return IGNORED
    return HANDLED if stands else SUPERSEDED


def _placement(item: Received[Placement]) -> HeardPlacement:
    # As a dict: a model takes microseconds to say that it has no such field.
    event, said = item.event, vars(item.event)
    name = said.get("incubator_name") or said.get("referred_to_name")
    return HeardPlacement(
        event.worker_id, PLACEMENTS[type(event)], name, said.get("expires_at"), said.get("position"), item.envelope.time
    )
