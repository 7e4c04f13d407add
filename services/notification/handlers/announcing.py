"""What became of a message, said to the services that ask: one final event per message."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from services.notification.domain.messages import Fate, State
from services.notification.repository.messages import Intent, Message
from shared.contracts.notification import MessageEvent, MessageFailed, MessageSent, MessageSkipped, MessageUnknown
from shared.storage import Outbox, Outgoing, Tx


async def announce_skipped(tx: Tx, outbox: Outbox, intents: Sequence[Intent], now: datetime) -> None:
    """Say which messages are not sent at all, and why."""
    await outbox.add(
        tx,
        [
            Outgoing(
                MessageSkipped(
                    subject_id=i.subject_id, message_id=i.id, about=i.event_id, template=i.template, reason=i.skip_reason
                ),
                i.id,
                now,
            )
            for i in intents
        ],
    )


async def announce_fates(tx: Tx, outbox: Outbox, fates: Sequence[tuple[Message, Fate]], now: datetime) -> None:
    """Say what became of messages that reached a final state."""
    final = [(message, fate) for message, fate in fates if fate.state not in (State.DUE, State.SENDING)]
    await outbox.add(tx, [Outgoing(_tell(message, fate), message.id, now) for message, fate in final])


def _tell(message: Message, fate: Fate) -> MessageEvent:
    about = {
        "subject_id": message.subject_id,
        "message_id": message.id,
        "about": message.event_id,
        "template": message.template,
    }
    match fate.state:
        case State.SENT:
            return MessageSent.model_validate(about | {"channel": message.channel})
        case State.FAILED:
            return MessageFailed.model_validate(about | {"channel": message.channel, "reason": fate.reason})
        case State.UNKNOWN:
            return MessageUnknown.model_validate(about | {"channel": message.channel})
        case _:
            return MessageSkipped.model_validate(about | {"reason": fate.reason})
