"""What really lies on the topics: ends of the log, and the records of a minute, read raw and in no group."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaConnectionError

from rintis.runtime.errors import CannotStart

Partition = tuple[str, int]

READ_SECONDS = 60.0
"""Longest time for reading one topic raw when a minute does not add up."""
POLL_MS = 500


class Log:
    """A reader that joins no group and commits nothing."""

    def __init__(self, client: Any) -> None:
        self._client = client

    async def partitions(self, pattern: str) -> list[TopicPartition]:
        """Return all partitions of the topics whose name matches."""
        matching = re.compile(pattern)
        # A consumer without subscription keeps no metadata of topics: all of it is asked for, partitions included.
        cluster = await self._client._client.fetch_all_metadata()  # noqa: SLF001 - aiokafka's public way names topics only
        topics = [topic for topic in cluster.topics() if matching.match(topic)]
        return [TopicPartition(topic, number) for topic in topics for number in cluster.partitions_for_topic(topic)]

    async def ends(self, partitions: Collection[TopicPartition]) -> dict[Partition, int]:
        """Return where each partition ends now."""
        return (
            {(tp.topic, tp.partition): end for tp, end in (await self._client.end_offsets(partitions)).items()}
            if partitions
            else {}
        )

    async def beginnings(self, partitions: Collection[TopicPartition]) -> dict[Partition, int]:
        """Return where each partition begins now."""
        found = await self._client.beginning_offsets(partitions) if partitions else {}
        return {(tp.topic, tp.partition): offset for tp, offset in found.items()}

    async def time_of(self, partition: TopicPartition, offset: int) -> datetime | None:
        """Return the broker's time of one record, None where it does not come at once."""
        self._client.assign([partition])
        self._client.seek(partition, offset)
        batch = await self._client.getmany(timeout_ms=POLL_MS, max_records=1)
        found = [record for records in batch.values() for record in records]
        return datetime.fromtimestamp(found[0].timestamp / 1000, UTC) if found else None

    async def records(self, partitions: Collection[TopicPartition]) -> AsyncIterator[Any]:
        """Yield every record that the partitions hold now."""
        ends = await self.ends(partitions)
        open_ = {tp for tp in partitions if ends[tp.topic, tp.partition] > 0}
        if not open_:
            return
        self._client.assign(list(open_))
        await self._client.seek_to_beginning(*open_)
        while open_:
            batch = await self._client.getmany(timeout_ms=POLL_MS, max_records=5_000)
            for records in batch.values():
                for record in records:
                    yield record
            for tp in list(open_):
                if await self._client.position(tp) >= ends[tp.topic, tp.partition]:
                    open_.discard(tp)

    async def beginnings_of(self, topic: str, number: int) -> dict[Partition, int]:
        """Return where one partition begins now."""
        return await self.beginnings([TopicPartition(topic, number)])

    async def offsets_by_minute(self, topic: str, number: int, until: int) -> dict[datetime, list[int]]:
        """Return the offsets of one partition's records below `until` by the minute of the broker's time."""
        found: dict[datetime, list[int]] = {}
        async for record in self.records([TopicPartition(topic, number)]):
            if record.offset < until:
                at = datetime.fromtimestamp(record.timestamp / 1000, UTC).replace(second=0, microsecond=0)
                found.setdefault(at, []).append(record.offset)
        return found

    async def ids_of_minute(self, topic: str, minute: datetime) -> list[UUID]:
        """Return the ids of a topic's events of one minute, copies included, in the order of the log."""
        partitions = await self.partitions(f"^{re.escape(topic)}$")
        return [found[0] async for record in self.records(partitions) if (found := identity_of(record)) and found[1] == minute]


def identity_of(record: Any) -> tuple[UUID, datetime] | None:
    """Return id and minute of an event of ours; None for what is not one."""
    headers = dict(record.headers)
    try:
        at = datetime.fromisoformat(headers["ce_time"].decode()).astimezone(UTC)
        return UUID(headers["ce_id"].decode()), at.replace(second=0, microsecond=0)
    except (KeyError, ValueError, AttributeError):
        return None


@asynccontextmanager
async def open_log(bootstrap: str) -> AsyncIterator[Log]:
    """Connect to Kafka for reading.

    Raises:
        CannotStart: where nothing says where Kafka is, or it does not answer.
    """
    if not bootstrap:
        raise CannotStart("Nothing says where Kafka is.", "Start `rintis up` here, or set KAFKA_BOOTSTRAP_SERVERS.")
    client = AIOKafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False, auto_offset_reset="earliest")
    try:
        await client.start()
    except KafkaConnectionError:
        await client.stop()
        raise CannotStart(f"Kafka does not answer at {bootstrap}.", "Is `rintis up` running?") from None
    try:
        yield Log(client)
    finally:
        await client.stop()
