"""An outcome becomes a message: the intent is stored with the event's position, and nothing is sent here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from services.notification.handlers.announcing import announce_skipped
from services.notification.handlers.news import News
from services.notification.repository import messages as repository
from services.notification.repository.messages import Intent
from shared.clock import Clock
from shared.contracts.boxes import Company, Contact
from shared.contracts.envelope import Event, derive_id
from shared.messaging import Received
from shared.security import Boxes
from shared.storage import Outbox, Tx

MODELS: Mapping[str, type[Contact | Company]] = {"contact": Contact, "company": Company}
"""What lies in each box that notification opens."""


@dataclass(frozen=True, slots=True)
class Desk:
    """What every use case of messages needs."""

    boxes: Mapping[str, Boxes]
    outbox: Outbox
    clock: Clock


class TellPeople:
    """Route of every event that is told: one message per event, by the channel that such news goes by.

    The box stays closed: whether the person can be reached so, and whether they were erased, its sender finds out.
    """

    def __init__(self, news: Mapping[type[Event], News], desk: Desk) -> None:
        self._news = news
        self._desk = desk

    async def prepare(self, batch: Sequence[Received[Any]]) -> None:
        """Need nothing."""

    async def apply(self, tx: Tx, batch: Sequence[Received[Any]], _: None) -> None:
        """Store the intents."""
        now = self._desk.clock.now()
        intents = [self._intend(received) for received in batch]
        fresh = await repository.add_messages(tx, intents, now)
        skipped = [intent for intent in intents if intent.channel is None and intent.id in fresh]
        await announce_skipped(tx, self._desk.outbox, skipped, now)

    def _intend(self, received: Received[Any]) -> Intent:
        event = received.event
        news = self._news[type(event)]
        sealed = news.sealed_in(event)
        return Intent(
            id=derive_id(received.id, "message"),
            event_id=received.id,
            subject_id=news.subject_of(event),
            template=news.template,
            parameters=news.parameters_of(event),
            box=news.box,
            sealed=sealed,
            contact_version=getattr(event, "contact_version", 0),
            facts_version=getattr(event, "facts_version", None),
            thread=news.thread,
            valid_until=news.ends_at(event),
            channel=news.channels[0] if sealed is not None else None,
            skip_reason="" if sealed is not None else "no_contact",
        )
