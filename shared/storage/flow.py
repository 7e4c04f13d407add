"""The flow ledger: sums per minute that let an audit prove millions of events without looking at them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from shared.contracts.envelope import hash64
from shared.storage.database import Tx
from shared.storage.sql import load_queries

SQL = load_queries("shared.storage")


class Heard(NamedTuple):
    """One event that a consumer met; `weight` -1 takes back what an earlier batch counted."""

    topic: str
    partition: int
    at: datetime
    outcome: str
    id: UUID
    weight: int = 1


async def record_heard(tx: Tx, consumer: str, events: Iterable[Heard]) -> None:
    """Append what a consumer met, by topic, partition, minute and outcome."""
    await _append(tx, "heard", consumer, events)


async def record_arrivals(tx: Tx, door: str, arrivals: Sequence[tuple[UUID, datetime, str]]) -> None:
    """Append what came in by a door other than Kafka (`http`, `file`): (id, arrived at, outcome)."""
    await _append(tx, "door", door, [Heard(door, -1, at, outcome, id_) for id_, at, outcome in arrivals])


async def _append(tx: Tx, direction: str, party: str, events: Iterable[Heard]) -> None:
    counts: Counter[tuple[str, int, datetime, str]] = Counter()
    sums: Counter[tuple[str, int, datetime, str]] = Counter()
    for event in events:
        cell = (event.topic, event.partition, event.at.replace(second=0, microsecond=0), event.outcome)
        counts[cell] += event.weight
        sums[cell] += event.weight * hash64(event.id)
    if not counts:
        return
    topics, partitions, minutes, outcomes = zip(*counts, strict=True)
    await tx.execute(
        SQL["add_flow"],
        direction,
        party,
        topics,
        partitions,
        minutes,
        outcomes,
        list(counts.values()),
        [sums[cell] for cell in counts],
    )
