"""What is asked of an outside party that delivers messages."""

from __future__ import annotations

from typing import NamedTuple, Protocol
from uuid import UUID

from services.notification.domain.messages import Answer


class Result(NamedTuple):
    """What a provider made of one message; `reason` is a code of ours and never its own text."""

    answer: Answer
    reason: str = ""


class Letter(NamedTuple):
    """A message ready to go. An SMS has no subject. `attempt` counts from 1, and stays 1 where the earlier ones do not make it suspect."""

    message_id: UUID
    to: str
    body: str
    subject: str = ""
    attempt: int = 1

    def __repr__(self) -> str:
        """Hide the content: a letter must not reach a log by accident."""
        return f"<Letter {self.message_id}>"


class Gateway(Protocol):
    """Delivers letters of one channel."""

    async def open(self) -> None:
        """Get ready; nothing is sent."""

    async def close(self) -> None:
        """Let go of every connection."""

    async def send(self, letter: Letter) -> Result:
        """Give a letter to the provider. Never raises for what the provider or the network does."""

    async def find(self, message_id: UUID) -> Result:
        """Ask what became of a letter given earlier; UNCLEAR where nobody can say."""


AWAY = Result(Answer.LATER, "provider_away")
SILENT = Result(Answer.UNCLEAR, "no_answer")
SUSPECT = frozenset({SILENT.reason, "provider_failed"})
"""Reasons after which a message may be what its provider fails at. Where the provider was away or busy, no message is to blame."""
