"""Use case: keep what became of the messages that told companies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from services.reporting.repository.notices import mark_told
from shared.contracts.envelope import Event
from shared.contracts.notification import NoticeEvent, NoticeFailed, NoticeSent, NoticeSkipped, NoticeUnknown
from shared.messaging import HANDLED, Outcome, Received
from shared.messaging.outcomes import IGNORED
from shared.storage import Tx

STATES: Mapping[type[Event], str] = MappingProxyType(
    {NoticeSent: "sent", NoticeFailed: "failed", NoticeSkipped: "skipped", NoticeUnknown: "unknown"}
)


async def keep_message_state(tx: Tx, batch: Sequence[Received[NoticeEvent]]) -> list[Outcome]:
    """Keep the last state of messages about our own events; all others are ignored."""
    # The last one wins where a batch tells twice of one message.
    told = {item.event.about: (item.event.about, STATES[type(item.event)], item.arrived_at) for item in batch}
    ours = await mark_told(tx, list(told.values()))
    return [HANDLED if item.event.about in ours else IGNORED for item in batch]
