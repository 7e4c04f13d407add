"""An outcome becomes a message: the intent is stored with the event's position, and nothing is sent here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from services.notification.domain.messages import Channel, read_address
from services.notification.handlers.announcing import announce_skipped
from services.notification.handlers.news import News
from services.notification.repository import messages as repository
from services.notification.repository.messages import Intent
from shared.clock import Clock
from shared.contracts.boxes import Company, Contact
from shared.contracts.envelope import derive_id
from shared.messaging import ERASED, HANDLED, Outcome, Received
from shared.security import Boxes
from shared.storage import Outbox, Tx

MODELS: Mapping[str, type[Contact | Company]] = {"contact": Contact, "company": Company}
"""What lies in each box that notification opens."""


@dataclass(frozen=True, slots=True)
class Reach:
    """How a person can be reached, found out before the transaction."""

    channel: Channel | None
    skip_reason: str = ""
    is_erased: bool = False


@dataclass(frozen=True, slots=True)
class Desk:
    """What every use case of messages needs."""

    boxes: Mapping[str, Boxes]
    outbox: Outbox
    clock: Clock


class TellPerson:
    """Route of one type of event: one message per event, by the best channel of the person it is about."""

    def __init__(self, news: News, desk: Desk) -> None:
        self._news = news
        self._desk = desk

    async def prepare(self, batch: Sequence[Received[Any]]) -> dict[UUID, Reach]:
        """Open the boxes of a batch in one set, only to see how each person can be reached."""
        news = self._news
        sealed = [(r, box) for r in batch if (box := news.sealed_in(r.event)) is not None]
        opened = await self._desk.boxes[news.box].open(
            [(news.subject_of(r.event), box) for r, box in sealed], news.box, MODELS[news.box]
        )
        reaches = {r.id: Reach(None, "no_contact") for r in batch}
        return reaches | {r.id: self._reach(contact) for (r, _), contact in zip(sealed, opened, strict=True)}

    async def apply(self, tx: Tx, batch: Sequence[Received[Any]], prepared: Mapping[UUID, Reach]) -> Sequence[Outcome]:
        """Store the intents; whoever was erased is told nothing."""
        now = self._desk.clock.now()
        intents = [self._intend(r, prepared[r.id]) for r in batch if not prepared[r.id].is_erased]
        if intents:
            fresh = await repository.add_messages(tx, intents, now)
            skipped = [intent for intent in intents if intent.id in fresh and intent.channel is None]
            await announce_skipped(tx, self._desk.outbox, skipped, now)
        return [ERASED if prepared[r.id].is_erased else HANDLED for r in batch]

    def _reach(self, contact: Contact | Company | None) -> Reach:
        if contact is None:
            return Reach(None, is_erased=True)
        channel = read_address(contact.phone, contact.email).best(self._news.channels)
        return Reach(channel, "" if channel else "no_channel")

    def _intend(self, received: Received[Any], reach: Reach) -> Intent:
        news, event = self._news, received.event
        return Intent(
            id=derive_id(received.id, "message"),
            event_id=received.id,
            subject_id=news.subject_of(event),
            template=news.template,
            parameters=news.parameters_of(event),
            box=news.box,
            sealed=news.sealed_in(event),
            contact_version=getattr(event, "contact_version", None),
            facts_version=getattr(event, "facts_version", None),
            thread=news.thread,
            valid_until=news.ends_at(event),
            channel=reach.channel,
            skip_reason=reach.skip_reason,
        )
