"""The outbox: events leave a service only as rows written in the transaction of what they tell of."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from shared.contracts.envelope import Event, derive_id, hash64
from shared.errors import Unprocessable
from shared.storage.lending import Tx, note_events
from shared.storage.sql import load_queries

SQL = load_queries("shared.storage")

MAX_PAYLOAD_BYTES = 900_000
"""Largest event of ours: below the broker's 1 MiB with room for key and headers, so that no row can block its bucket."""


class Outgoing(NamedTuple):
    """An event to be said, with what caused it.

    The same `cause`, type and `ordinal` always give the same event id. `at` is business time.
    """

    event: Event
    cause: UUID
    at: datetime
    ordinal: int = 0

    @property
    def id(self) -> UUID:
        """Return the event's id."""
        return derive_id(self.cause, self.event.TYPE, self.ordinal)


class Outbox:
    """Writes a service's events. The writer of a key's events holds that key's row lock first."""

    def __init__(self, service: str) -> None:
        self.service = service

    async def add(self, tx: Tx, items: Sequence[Outgoing]) -> list[UUID]:
        """Write events in causal order and return their ids.

        Raises Unprocessable where an event is larger than a topic takes: then its cause becomes the dead letter.
        """
        if not items:
            return []
        ids = [item.id for item in items]
        payloads = [item.event.__pydantic_serializer__.to_json(item.event) for item in items]
        if max(map(len, payloads)) > MAX_PAYLOAD_BYTES:
            raise Unprocessable("event_too_large", "body")
        await tx.execute(
            SQL["add_events"],
            self.service,
            [item.event.TOPIC for item in items],
            [item.event.key() for item in items],
            ids,
            [item.event.TYPE for item in items],
            [item.at for item in items],
            payloads,
            [hash64(id_) for id_ in ids],
        )
        note_events(tx)
        return ids
