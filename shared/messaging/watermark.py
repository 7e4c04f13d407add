"""Up to when everything that arrived has been read: what deadlines wait for."""

from __future__ import annotations

import re
from datetime import datetime

from aiokafka import AIOKafkaConsumer, TopicPartition

from shared.clock import Clock
from shared.messaging.limits import Limits
from shared.messaging.routes import Subscription
from shared.storage import Database, load_queries

SQL = load_queries("shared.storage")


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
        topics = [topic for topic in await client.topics() if pattern.match(topic)]
        found = [TopicPartition(topic, p) for topic in topics for p in client.partitions_for_topic(topic) or ()]
        ends = await client.end_offsets(found) if found else {}
        self._ends = {(tp.topic, tp.partition): end for tp, end in ends.items() if end > 0}
        self._at = at

    async def _started(self) -> AIOKafkaConsumer:
        """Return the connection; it is made at first use, since aiokafka wants a running loop."""
        if self._client is None:
            client = AIOKafkaConsumer(
                bootstrap_servers=self._bootstrap,
                enable_auto_commit=False,
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
        return all(known.get(partition, -1) >= end for partition, end in self._ends.items())
