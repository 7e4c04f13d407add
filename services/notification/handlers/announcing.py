"""What became of a message, said to the services that ask: one final event per message."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from services.notification.domain.messages import Fate, State
from services.notification.repository.messages import Intent, Message
from shared.contracts.notification import (
    MessageFailed,
    MessageSent,
    MessageSkipped,
    MessageUnknown,
    NoticeFailed,
    NoticeSent,
    NoticeSkipped,
    NoticeUnknown,
    Told,
)
from shared.storage import Outbox, Outgoing, Tx

SAID: Mapping[tuple[str, State], type[Told]] = {
    ("contact", State.SENT): MessageSent,
    ("contact", State.FAILED): MessageFailed,
    ("contact", State.SKIPPED): MessageSkipped,
    ("contact", State.UNKNOWN): MessageUnknown,
    ("company", State.SENT): NoticeSent,
    ("company", State.FAILED): NoticeFailed,
    ("company", State.SKIPPED): NoticeSkipped,
    ("company", State.UNKNOWN): NoticeUnknown,
}
"""The event for each final state, by whose box the addresses are in: a person's or a company's."""
DETAILS: Mapping[type[Told], frozenset[str]] = {model: frozenset(model.model_fields) for model in SAID.values()}
"""What each event has room for; asked of the model itself, the names were made anew for each message."""


async def announce_skipped(tx: Tx, outbox: Outbox, intents: Sequence[Intent], now: datetime) -> None:
    """Say which messages are not sent at all, and why."""
    await outbox.add(
        tx, [Outgoing(_tell(intent, State.SKIPPED, reason=intent.skip_reason), intent.id, now) for intent in intents]
    )


async def announce_fates(tx: Tx, outbox: Outbox, fates: Sequence[tuple[Message, Fate]], now: datetime) -> None:
    """Say what became of messages that reached a final state."""
    final = [(message, fate) for message, fate in fates if fate.state is not State.WAITING]
    told = [(message, _tell(message, fate.state, channel=message.channel, reason=fate.reason)) for message, fate in final]
    await outbox.add(tx, [Outgoing(event, message.id, now) for message, event in told])


def _tell(message: Message | Intent, state: State, **details: Any) -> Told:
    model = SAID[message.box, state]
    known = {name: value for name, value in details.items() if name in DETAILS[model]}
    return model(subject_id=message.subject_id, message_id=message.id, about=message.event_id, template=message.template, **known)
