"""Every queue in the words of the work: what waits, since when, how fast it goes, when it will be empty."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from aiokafka import TopicPartition

from rintis.operations.edges import EDGES, OWN_EDGES, Edge
from rintis.operations.log import Log
from rintis.operations.sources import Sources
from shared.storage import load_queries

SQL = load_queries("rintis.operations")
REGISTRATION = load_queries("services.registration")

EDGE_WORDS = "Antrean kirim"
"""What an outbox is called."""
KEPT_WORDS, KEPT = "Kiriman HTTP yang menunggu keputusan", "registration.calls"
"""Calls that were kept to be decided afterwards."""


@dataclass(frozen=True, slots=True)
class Queue:
    """One queue. Ages and times are seconds; `drain_seconds` is None while nothing moves."""

    name: str
    consumer: str
    waiting: int
    oldest_seconds: float
    per_second: float
    drain_seconds: float | None
    parked: int
    held: int
    dead: int


async def read_queues(sources: Sources, log: Log) -> list[Queue]:
    """Return every queue of the four services."""
    dead: dict[str, int] = {}
    for service in sources.services:
        async with sources.read(service) as connection:
            for row in await connection.fetch(SQL["count_dead"]):
                dead[row["consumer"]] = dead.get(row["consumer"], 0) + row["letters"]
    queues = [await _read_edge(sources, log, edge, dead.get(edge.group, 0)) for edge in EDGES]
    kept = [await _read_kept(sources)] if "registration" in sources.services else []
    return [*queues, *kept, *[await _read_outbox(sources, service) for service in sources.services]]


async def _read_edge(sources: Sources, log: Log, edge: Edge, dead: int) -> Queue:
    partitions = await log.partitions(edge.pattern)
    ends = await log.ends(partitions)
    async with sources.read(edge.hearer) as connection:
        rows = await connection.fetch(SQL["find_positions"], edge.group)
        rate = await connection.fetchval(SQL["measure_rate"], edge.group)
        gates = await connection.fetchrow(SQL["find_gates"], edge.group)
        parked = await connection.fetchval(SQL["count_parked"], edge.group)
    positions = {(row["topic"], row["partition"]): row["next_offset"] for row in rows}
    behind = {
        tp: positions.get((tp.topic, tp.partition), 0)
        for tp in partitions
        if ends[tp.topic, tp.partition] > positions.get((tp.topic, tp.partition), 0)
    }
    waiting = sum(ends[tp.topic, tp.partition] - at for tp, at in behind.items())
    oldest = await _oldest(log, behind)
    if gates and gates["oldest"]:
        oldest = max(oldest, (datetime.now(UTC) - gates["oldest"]).total_seconds())
    return Queue(
        edge.words, edge.group, waiting, oldest, rate, drain_seconds(waiting, rate), parked, gates["held"] if gates else 0, dead
    )


async def _oldest(log: Log, behind: dict[TopicPartition, int]) -> float:
    """Return the age of the oldest record that nobody has read."""
    times = [time for tp, at in behind.items() if (time := await log.time_of(tp, at)) is not None]
    return max(0.0, (datetime.now(UTC) - min(times)).total_seconds()) if times else 0.0


async def _read_outbox(sources: Sources, service: str) -> Queue:
    topics: Sequence[str] = sorted({edge.topic.name for edge in OWN_EDGES if edge.topic.publisher == service})
    async with sources.read(service) as connection:
        rows: list[Any] = [await connection.fetchrow(SQL["find_outbox"], topic) for topic in topics]
    waiting = sum(row["events"] for row in rows)
    oldest = min((row["oldest"] for row in rows if row["oldest"]), default=None)
    age = (datetime.now(UTC) - oldest).total_seconds() if oldest else 0.0
    return Queue(f"{EDGE_WORDS} {service}", f"{service}.outbox", waiting, age, 0.0, 0.0 if not waiting else None, 0, 0, 0)


async def _read_kept(sources: Sources) -> Queue:
    async with sources.read("registration") as connection:
        row = await connection.fetchrow(REGISTRATION["measure_deferred"])
    waiting, parked, age = (row["waiting"], row["parked"], row["age_seconds"]) if row else (0, 0, 0.0)
    return Queue(KEPT_WORDS, KEPT, waiting, age, 0.0, 0.0 if not waiting else None, parked, 0, 0)


def drain_seconds(waiting: int, per_second: float) -> float | None:
    """Return when a queue will be empty at this rate, None while nothing moves."""
    if not waiting:
        return 0.0
    return waiting / per_second if per_second else None


def as_rows(queues: Sequence[Queue]) -> list[dict[str, Any]]:
    """Return the queues for machines."""
    return [asdict(queue) for queue in queues]
