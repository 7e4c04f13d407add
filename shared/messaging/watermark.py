"""Up to when everything that arrived has been read: what deadlines wait for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime

from aiokafka import AIOKafkaConsumer, TopicPartition

from shared.clock import Clock
from shared.messaging.leaders import learn_leaders
from shared.messaging.limits import Limits
from shared.messaging.routes import Subscription
from shared.storage import Database, load_queries

SQL = load_queries("shared.storage")

PROBE_MS = 300
"""How long to look for a record between position and end: three of the broker's fetch waits, and no load while all is read."""


class Watermark:
    """Compares the ends of a subscription's topics with the positions in the database.

    The ends are read at an instant; once the positions have passed them, everything that had arrived by then was handled
    or waits at a gate. What arrived in time but was not yet read is so never counted as missing.
    """

    def __init__(self, bootstrap: str, subscription: Subscription, database: Database, clock: Clock, limits: Limits) -> None:
        self._subscription = subscription
        self._database = database
        self._clock = clock
        self._bootstrap = bootstrap
        self._limits = limits
        self._client: AIOKafkaConsumer | None = None
        self._at: datetime | None = None
        self._ends: dict[tuple[str, int], int] = {}

    async def advance(self) -> datetime | None:
        """Return the latest business instant up to which everything was read, None when it is not known yet."""
        if self._at is None:
            await self._look()
        if self._at is None or not await self._has_passed():
            return None
        reached, self._at = self._at, None
        return reached

    async def close(self) -> None:
        """Close the connection."""
        client, self._client = self._client, None
        if client is not None:
            await client.stop()

    async def _look(self) -> None:
        client = await self._started()
        at = self._clock.now()
        pattern = re.compile(self._subscription.topic.pattern)
        # A consumer without subscription keeps no metadata of topics: all of it is asked for, partitions included.
        cluster = await client._client.fetch_all_metadata()  # noqa: SLF001 - aiokafka's public way names topics only
        topics = [topic for topic in cluster.topics() if pattern.match(topic)]
        found = [TopicPartition(topic, p) for topic in topics for p in cluster.partitions_for_topic(topic)]
        await learn_leaders(client, found)
        ends = await client.end_offsets(found) if found else {}
        self._ends = {(tp.topic, tp.partition): end for tp, end in ends.items() if end > 0}
        self._at = at

    async def _started(self) -> AIOKafkaConsumer:
        """Return the connection; it is made at first use, since aiokafka wants a running loop."""
        if self._client is None:
            client = AIOKafkaConsumer(
                bootstrap_servers=self._bootstrap,
                enable_auto_commit=False,
                isolation_level="read_committed",
                metadata_max_age_ms=self._limits.metadata_ms,
                request_timeout_ms=self._limits.request_timeout_ms,
            )
            await client.start()
            self._client = client
        return self._client

    async def _has_passed(self) -> bool:
        async with self._database.connection() as connection:
            rows = await connection.fetch(SQL["find_progress"], self._subscription.group)
        known = {(row["topic"], row["partition"]): row["next_offset"] for row in rows}
        lagging = {partition: known.get(partition, 0) for partition, end in self._ends.items() if known.get(partition, -1) < end}
        return not lagging or await self._holds_nothing(lagging)

    async def _holds_nothing(self, lagging: Mapping[tuple[str, int], int]) -> bool:
        """Return whether only markers of transactions lie between the positions and the ends: no batch ever covers them."""
        client = await self._started()
        starts = {TopicPartition(*partition): offset for partition, offset in lagging.items()}
        client.assign(list(starts))
        for partition, offset in starts.items():
            client.seek(partition, offset)
        if await client.getmany(timeout_ms=PROBE_MS, max_records=1):
            return False
        reached = [await client.position(partition) for partition in starts]
        return all(at >= self._ends[tp.topic, tp.partition] for tp, at in zip(starts, reached, strict=True))
