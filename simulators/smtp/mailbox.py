"""What the mail server does with a message."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

from simulators.received import Received

HANG_SECONDS = 60.0
"""Longer than any client waits."""
TEMPORARY_TIMES = 1
"""So often an address that begins with `temporary` is turned away before it is taken."""


@dataclass(slots=True)
class Behaviour:
    """How the server misbehaves towards everybody, until told otherwise. Counts are used up one by one."""

    slow_seconds: float = 0.0
    """Pause before the answer to every message; the message is kept before the pause."""
    fail_next: int = 0
    """So many messages are answered 451 and not kept."""
    hang_next: int = 0
    """So many messages are kept, and answered only after `hang_seconds`."""
    hang_seconds: float = HANG_SECONDS

    def change(self, changes: Mapping[str, Any]) -> None:
        """Set what is named; raises ValueError for a name that is not a behaviour."""
        unknown = set(changes) - set(self.__slots__)
        if unknown:
            raise ValueError(f"no such behaviour: {', '.join(sorted(unknown))}")
        for name, value in changes.items():
            setattr(self, name, value)

    def use_up(self, name: str) -> bool:
        """Return whether this message is one of a counted few."""
        left: int = getattr(self, name)
        if left > 0:
            setattr(self, name, left - 1)
        return left > 0


class Mailbox:
    """Keeps every message it takes; some addresses name how the server is to misbehave.

    `rejected...@`: 550, no such mailbox. `temporary...@`: 451 the first time. `hanging...@`: taken, but never answered.
    """

    def __init__(self, received: Received) -> None:
        self.behaviour = Behaviour()
        self._received = received
        self._turned_away: Counter[str] = Counter()

    async def handle_RCPT(self, _server: Any, _session: Any, envelope: Any, address: str, _options: list[str]) -> str:  # noqa: N802 - aiosmtpd's name
        """Take or refuse a recipient."""
        if address.startswith("rejected"):
            return "550 5.1.1 No such mailbox"
        if address.startswith("temporary") and self._turned_away[address] < TEMPORARY_TIMES:
            self._turned_away[address] += 1
            return "451 4.7.1 Try again later"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 Ok"

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        """Keep a message."""
        if self.behaviour.use_up("fail_next"):
            return "451 4.3.0 Local error in processing"
        message = message_from_bytes(envelope.content, _class=EmailMessage, policy=default)
        body = message.get_body(("plain",))
        self._received.add(
            {
                "message_id": str(message["Message-ID"]),
                "to": ", ".join(envelope.rcpt_tos),
                "subject": str(message["Subject"]),
                "text": str(body.get_content()) if body else "",
                "at": datetime.now(UTC).isoformat(),
            }
        )
        if any(address.startswith("hanging") for address in envelope.rcpt_tos):
            await asyncio.sleep(HANG_SECONDS)
        await asyncio.sleep(self.behaviour.hang_seconds if self.behaviour.use_up("hang_next") else self.behaviour.slow_seconds)
        return "250 2.0.0 Ok: kept"
