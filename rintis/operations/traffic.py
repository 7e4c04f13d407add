"""What is on its way, and a moment's patience: what was there at the first look should have passed before the second."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from aiokafka import TopicPartition

from rintis.operations.edges import EDGES, Edge
from rintis.operations.ledger import SQL, Lane, Minutes, find_changed, find_positions
from rintis.operations.log import Log, Partition
from rintis.operations.sources import Sources
from shared.storage import Tx

LOOK_SECONDS = 0.2
"""Between two looks at what has passed."""

Partitions = Mapping[str, Collection[TopicPartition]]
"""The partitions that each consumer hears."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """What of a topic is in an outbox."""

    events: int
    last_id: int
    oldest: datetime


@dataclass
class FirstLook:
    """What had been said, and which consumers had met all of it when the patience was over."""

    said: dict[str, dict[Lane, Minutes]] = field(default_factory=dict)
    outbox: dict[str, Waiting] = field(default_factory=dict)
    ends: dict[Partition, int] = field(default_factory=dict)
    passed: set[str] = field(default_factory=set)


async def look_first(
    sources: Sources, log: Log, partitions: Partitions, *, folds: Mapping[str, int], patience: float
) -> FirstLook:
    """Note what was said, and wait until all of it was heard, or until the patience is over."""
    look = FirstLook()

    async def read(service: str) -> None:
        async with sources.snapshot(service) as tx:
            look.said[service] = await find_changed(tx, "said", folds.get(service, -1))
            look.outbox |= await read_outbox(tx)

    await asyncio.gather(*map(read, sources.services))
    deadline = time.monotonic() + patience
    while True:
        await _note_passed(sources, log, look, partitions)
        if len(look.passed) == len(EDGES) or time.monotonic() >= deadline:
            return look
        await asyncio.sleep(LOOK_SECONDS)


async def _note_passed(sources: Sources, log: Log, look: FirstLook, partitions: Partitions) -> None:
    """Note which consumers have met all: the outbox was emptied of it, and what then was the log's end has been read."""
    left: dict[str, int] = {}
    positions: dict[str, dict[Partition, int]] = {}
    topics = {topic: waiting.last_id for topic, waiting in look.outbox.items()}

    async def read(service: str) -> None:
        async with sources.read(service) as connection:
            own = {topic: last for topic, last in topics.items() if topic.startswith(f"{service}.")}
            rows = await connection.fetch(SQL["count_outbox_until"], list(own), list(own.values())) if own else []
            left.update({row["topic"]: row["events"] for row in rows})
            positions.update(await find_positions(connection))

    await asyncio.gather(*map(read, sources.services))
    sent = [edge for edge in EDGES if edge.group not in look.passed and not left.get(edge.topic.name)]
    look.ends |= await log.ends(
        [tp for edge in sent for tp in partitions[edge.group] if (tp.topic, tp.partition) not in look.ends]
    )
    for edge in sent:
        ends = {(tp.topic, tp.partition): look.ends[tp.topic, tp.partition] for tp in partitions[edge.group]}
        if not count_behind(positions.get(edge.group, {}), ends):
            look.passed.add(edge.group)


async def read_outbox(tx: Tx) -> dict[str, Waiting]:
    """Return what of each topic still waits to be sent."""
    rows = await tx.fetch(SQL["find_outbox"])
    return {row["topic"]: Waiting(row["events"], row["last_id"], row["oldest"]) for row in rows}


def count_behind(positions: Mapping[Partition, int], ends: Mapping[Partition, int]) -> int:
    """Return how many records lie between positions and ends."""
    return sum(max(0, end - positions.get(partition, 0)) for partition, end in ends.items())


def find_unread(
    edge: Edge, partitions: Partitions, positions: Mapping[Partition, int], ends: Mapping[Partition, int]
) -> dict[TopicPartition, int]:
    """Return the partitions that a consumer has not read to the end, with its position."""
    behind: dict[TopicPartition, int] = {}
    for tp in partitions[edge.group]:
        at = positions.get((tp.topic, tp.partition), 0)
        if ends.get((tp.topic, tp.partition), 0) > at:
            behind[tp] = at
    return behind
