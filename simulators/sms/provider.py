"""What the provider does with a message, apart from HTTP."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from simulators.misbehaving import Misbehaving
from simulators.received import Received

MOBILE = re.compile(r"^\+628[1-9][0-9]{7,10}$")
MAX_TEXT = 1_000
"""Longest text that the provider takes, in characters."""


@dataclass(slots=True)
class Behaviour(Misbehaving):
    """How the provider misbehaves: an error is answered 500."""

    throttle_next: int = 0
    """So many messages are answered 429 and not taken."""
    reject_numbers: list[str] = field(default_factory=list)
    """Numbers that do not exist as far as the provider knows."""
    each_seconds: float = 0.0
    """What each message takes, one after the other in a call of many."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP status, a body, and how long to wait before it is given."""

    status: int
    body: dict[str, Any]
    delay_seconds: float = 0.0


class Provider:
    """Delivers each idempotency key once. A restart knows what was delivered before.

    What was delivered rests in the file, and here only where: of a long run there are millions.
    """

    def __init__(self, received: Received) -> None:
        self.behaviour = Behaviour()
        self._received = received
        self._by_key: dict[str, int] = {}
        self._by_reference: dict[str, int] = {}
        """Those whose reference is not their key too."""
        for place, entry in received:
            self._remember(entry["key"], entry["reference"], place)

    @property
    def delivered(self) -> int:
        """Return how many messages were delivered."""
        return len(self._by_key)

    def take(self, key: str, message: Mapping[str, Any]) -> Answer:
        """Deliver a message, or say why not; a known key gets the answer of its first time."""
        return self.take_all([(key, message)])[0]

    def take_all(self, messages: Sequence[tuple[str, Mapping[str, Any]]]) -> list[Answer]:
        """Deliver messages, each for itself; all are kept before the first answer is given."""
        answers = [self._take(key, message) for key, message in messages]
        self._received.keep()
        return answers

    def find(self, reference: str) -> dict[str, Any] | None:
        """Return what became of a reference, None where nothing of it was taken."""
        place = self._by_reference.get(reference, self._by_key.get(reference))
        entry = None if place is None else self._received.read(place)
        return _told(entry) if entry and entry["reference"] == reference else None

    def _take(self, key: str, message: Mapping[str, Any]) -> Answer:
        if self.behaviour.use_up("fail_next"):
            return Answer(500, {"code": "internal_error"})
        if self.behaviour.use_up("throttle_next"):
            return Answer(429, {"code": "throttled"})
        known = self._by_key.get(key)
        if known is not None:
            return self._repeat(self._received.read(known), message)
        trouble = self._examine(message)
        if trouble:
            return Answer(400, {"code": trouble})
        return self._deliver(key, message)

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
        self._remember(key, entry["reference"], self._received.add(entry))
        is_hanging = self.behaviour.use_up("hang_next")
        return Answer(202, _told(entry), self.behaviour.hang_seconds if is_hanging else self.behaviour.slow_seconds)

    def _remember(self, key: str, reference: str, place: int) -> None:
        self._by_key[key] = place
        if reference != key or reference in self._by_reference:
            self._by_reference[reference] = place


def _told(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {"id": entry["id"], "status": "accepted", "reference": entry["reference"]}
