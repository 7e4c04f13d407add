"""What the provider does with a message, apart from HTTP."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from simulators.received import Received

MOBILE = re.compile(r"^\+628[1-9][0-9]{7,10}$")
MAX_TEXT = 1_000
"""Longest text that the provider takes, in characters."""


@dataclass(slots=True)
class Behaviour:
    """How the provider misbehaves, until told otherwise. Counts are used up one by one."""

    slow_seconds: float = 0.0
    """Pause before every answer; the message is taken before the pause."""
    fail_next: int = 0
    """So many messages are answered 500 and not taken."""
    throttle_next: int = 0
    """So many messages are answered 429 and not taken."""
    hang_next: int = 0
    """So many messages are taken, and answered only after `hang_seconds`."""
    hang_seconds: float = 60.0
    reject_numbers: list[str] = field(default_factory=list)
    """Numbers that do not exist as far as the provider knows."""

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


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP status, a body, and how long to wait before it is given."""

    status: int
    body: dict[str, Any]
    delay_seconds: float = 0.0


class Provider:
    """Delivers each idempotency key once. A restart knows what was delivered before."""

    def __init__(self, received: Received) -> None:
        self.behaviour = Behaviour()
        self._received = received
        self._by_key: dict[str, dict[str, Any]] = {}
        self._by_reference: dict[str, dict[str, Any]] = {}
        for entry in received:
            self._remember(entry)

    @property
    def delivered(self) -> int:
        """Return how many messages were delivered."""
        return len(self._by_key)

    def take(self, key: str, message: Mapping[str, Any]) -> Answer:
        """Deliver a message, or say why not; a known key gets the answer of its first time."""
        if self.behaviour.use_up("fail_next"):
            return Answer(500, {"code": "internal_error"})
        if self.behaviour.use_up("throttle_next"):
            return Answer(429, {"code": "throttled"})
        known = self._by_key.get(key)
        if known is not None:
            return self._repeat(known, message)
        trouble = self._examine(message)
        if trouble:
            return Answer(400, {"code": trouble})
        return self._deliver(key, message)

    def find(self, reference: str) -> dict[str, Any] | None:
        """Return what became of a reference, None where nothing of it was taken."""
        entry = self._by_reference.get(reference)
        return None if entry is None else _told(entry)

    def _repeat(self, known: Mapping[str, Any], message: Mapping[str, Any]) -> Answer:
        if (known["to"], known["text"]) != (message.get("to"), message.get("text")):
            return Answer(409, {"code": "key_reused"})
        return Answer(202, _told(known), self.behaviour.slow_seconds)

    def _examine(self, message: Mapping[str, Any]) -> str | None:
        to, text = message.get("to"), message.get("text")
        if not isinstance(to, str) or not MOBILE.match(to):
            return "invalid_number"
        if to in self.behaviour.reject_numbers:
            return "unknown_subscriber"
        if not isinstance(text, str) or not 0 < len(text) <= MAX_TEXT:
            return "invalid_text"
        return None

    def _deliver(self, key: str, message: Mapping[str, Any]) -> Answer:
        entry = {
            "id": f"sim-{self.delivered + 1}",
            "key": key,
            "to": message["to"],
            "text": message["text"],
            "reference": str(message.get("reference", "")),
            "at": datetime.now(UTC).isoformat(),
        }
        self._received.add(entry)
        self._remember(entry)
        is_hanging = self.behaviour.use_up("hang_next")
        return Answer(202, _told(entry), self.behaviour.hang_seconds if is_hanging else self.behaviour.slow_seconds)

    def _remember(self, entry: dict[str, Any]) -> None:
        self._by_key[entry["key"]] = entry
        self._by_reference[entry["reference"]] = entry


def _told(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {"id": entry["id"], "status": "accepted", "reference": entry["reference"]}
