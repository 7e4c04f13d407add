"""Consumers that stopped themselves: said to whoever looks, and let go on by an operator or a restart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol
from uuid import UUID, uuid4

from shared.messaging.fuse import GATES, SHARE, Blown
from shared.messaging.limits import Limits
from shared.messaging.pipeline import Pipeline
from shared.storage import Database, load_queries
from shared.telemetry import get_logger, metrics

log = get_logger(__name__)
SQL = load_queries("shared.storage", "actions.sql")

STALE_SECONDS = 30.0
"""A stop that nobody confirmed for so long has ended with its process; many times `Limits.stops_seconds`."""


@dataclass(frozen=True, slots=True)
class Stop:
    """A topic that a consumer of this process does not read, and why."""

    topic: str
    reason: str
    records: int
    set_aside: int
    id: UUID = field(default_factory=uuid4)
    at: datetime = field(default_factory=lambda: datetime.now(UTC))

    def text(self, consumer: str) -> str:
        """Return one line for whoever asks for the health."""
        return f"{consumer}: {self.topic} is not read: {self.reason}, {self.set_aside} of {self.records}"


class Stoppable(Protocol):
    """What stops reading a topic and reads on."""

    pipeline: Pipeline
    group: str
    stops: dict[str, Stop]

    def resume(self, topic: str, *, is_forced: bool) -> None:
        """Read on."""


def note_stop(consumer: Stoppable, blown: Blown) -> bool:
    """Remember that a topic is not read any more; return whether that is news."""
    known = consumer.stops.get(blown.topic)
    if known is not None and known.reason in (SHARE, blown.reason):
        return False
    if known is not None:
        metrics.CONSUMER_STOPPED.labels(consumer.group, known.topic, known.reason).set(0)
    stop = Stop(blown.topic, blown.reason, blown.records, blown.set_aside)
    consumer.stops[blown.topic] = stop
    if blown.reason == SHARE:
        # Keys behind full gates are tried on, since only that can free them; here the next try would do harm.
        consumer.pipeline.stopped.add(blown.topic)
    metrics.CONSUMER_STOPPED.labels(consumer.group, stop.topic, stop.reason).set(1)
    log.error(
        "A consumer stops reading: too much was set aside.",
        action="consumer_stopped",
        consumer=consumer.group,
        topic=stop.topic,
        reason=stop.reason,
        records=stop.records,
        set_aside=stop.set_aside,
    )
    return True


def forget_stop(consumer: Stoppable, topic: str, *, is_forced: bool) -> None:
    """Let a topic go on: what was counted before counts no more; where it is forced, nothing counts for a while."""
    stop = consumer.stops.pop(topic, None)
    if stop is None:
        return
    consumer.pipeline.stopped.discard(topic)
    consumer.pipeline.fuse.reset(topic, is_forced=is_forced)
    metrics.CONSUMER_STOPPED.labels(consumer.group, topic, stop.reason).set(0)
    log.info("A consumer reads on.", action="consumer_resumed", consumer=consumer.group, topic=topic)


class Stops:
    """The stops of one process, in the database for operators to see and to end."""

    def __init__(self, database: Database, consumers: Sequence[Stoppable], limits: Limits, instance: str) -> None:
        self._database = database
        self._consumers = consumers
        self._limits = limits
        self._instance = instance

    async def look(self) -> bool:
        """Say which stops stand, and read on where an operator said so or where gates have emptied again."""
        standing = [(consumer, stop) for consumer in self._consumers for stop in consumer.stops.values()]
        if not standing:
            return False
        now = datetime.now(UTC)
        columns = [
            [stop.id for _, stop in standing],
            [consumer.group for consumer, _ in standing],
            [stop.topic for _, stop in standing],
            [stop.reason for _, stop in standing],
            [stop.records for _, stop in standing],
            [stop.set_aside for _, stop in standing],
            [stop.at for _, stop in standing],
        ]
        async with self._database.transaction() as tx:
            rows = await tx.fetch(SQL["hold_stops"], *columns, self._instance, now)
            resumed = {row["id"]: bool(row["is_forced"]) for row in rows if row["resumed_at"] is not None}
            for consumer, stop in standing:
                if stop.reason == GATES and stop.id not in resumed:
                    waiting = await consumer.pipeline.shelf.count_gates(tx, [stop.topic])
                    if waiting.get(stop.topic, 0) <= self._limits.gates // 2:
                        await tx.fetch(
                            SQL["resume_stops"], consumer.group, stop.topic, now, "rintis", "gates emptied", False, stop.at
                        )
                        resumed[stop.id] = False
        for consumer, stop in standing:
            if stop.id in resumed:
                consumer.resume(stop.topic, is_forced=resumed[stop.id])
        return False


async def find_stops(database: Database) -> list[dict[str, Any]]:
    """Return what every process of the service does not read at the moment."""
    async with database.connection() as connection:
        rows = await connection.fetch(SQL["find_stops"], datetime.now(UTC) - timedelta(seconds=STALE_SECONDS))
    return [dict(row) for row in rows]


@dataclass(frozen=True, slots=True)
class Resumption:
    """Who lets a consumer read on, and why. Forced, what fails is set aside for a while however much it is."""

    by: str
    why: str
    is_forced: bool = False


async def resume(database: Database, consumer: str, topic: str | None, resumption: Resumption) -> list[dict[str, Any]]:
    """Let a consumer read on in every process; return what was standing. Each process obeys within `stops_seconds`."""
    now = datetime.now(UTC)
    async with database.transaction() as tx:
        stale = now - timedelta(seconds=STALE_SECONDS)
        columns = (resumption.by, resumption.why, resumption.is_forced, stale)
        return [dict(row) for row in await tx.fetch(SQL["resume_stops"], consumer, topic, now, *columns)]
