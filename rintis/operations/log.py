"""What really lies on the topics: ends of the log, and the records of a minute, read raw and in no group."""

from __future__ import annotations

import re
import time
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaConnectionError

from rintis.runtime.errors import CannotStart
from shared.messaging.leaders import learn_leaders

Partition = tuple[str, int]

POLL_MS = 500
OLDEST_SECONDS = 2.0
"""Longest time for the first records of all partitions of an edge: what does not come by then has no age in this look."""


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

    async def partitions_by(self, patterns: Mapping[str, str]) -> dict[str, list[TopicPartition]]:
        """Return the partitions of the topics that match each of some named patterns, asking the brokers once."""
        cluster = await self._client._client.fetch_all_metadata()  # noqa: SLF001 - aiokafka's public way names topics only
        found: dict[str, list[TopicPartition]] = {}
        for name, pattern in patterns.items():
            topics = filter(re.compile(pattern).match, sorted(cluster.topics()))
            found[name] = [TopicPartition(topic, number) for topic in topics for number in cluster.partitions_for_topic(topic)]
        return found

    async def oldest(self, positions: Mapping[TopicPartition, int]) -> datetime | None:
        """Return the broker's time of the first record at or after any of these positions, None where none comes at once."""
        if not positions:
            return None
        self._client.assign(list(positions))
        for partition, offset in positions.items():
            self._client.seek(partition, offset)
        first: dict[TopicPartition, int] = {}
        deadline = time.monotonic() + OLDEST_SECONDS
        while len(first) < len(positions) and time.monotonic() < deadline:
            batch = await self._client.getmany(*(tp for tp in positions if tp not in first), timeout_ms=POLL_MS)
            first |= {tp: records[0].timestamp for tp, records in batch.items() if records and tp not in first}
        return datetime.fromtimestamp(min(first.values()) / 1000, UTC) if first else None

    async def ends(self, partitions: Collection[TopicPartition]) -> dict[Partition, int]:
        """Return where each partition ends now."""
        await learn_leaders(self._client, partitions)
        found = await self._client.end_offsets(partitions) if partitions else {}
        return {(tp.topic, tp.partition): offset for tp, offset in found.items()}

    async def beginnings(self, partitions: Collection[TopicPartition]) -> dict[Partition, int]:
        """Return where each partition begins now."""
        await learn_leaders(self._client, partitions)
        found = await self._client.beginning_offsets(partitions) if partitions else {}
        return {(tp.topic, tp.partition): offset for tp, offset in found.items()}

    async def time_of(self, partition: TopicPartition, offset: int) -> datetime | None:
        """Return the broker's time of one record, None where it does not come at once."""
        self._client.assign([partition])
        self._client.seek(partition, offset)
        batch = await self._client.getmany(timeout_ms=POLL_MS, max_records=1)
        found = [record for records in batch.values() for record in records]
        return datetime.fromtimestamp(found[0].timestamp / 1000, UTC) if found else None

    async def records(self, partitions: Collection[TopicPartition], *, since: datetime | None = None) -> AsyncIterator[Any]:
        """Yield every record that the partitions hold now, from an instant on where one is given."""
        ends = await self.ends(partitions)
        open_ = {tp for tp in partitions if ends[tp.topic, tp.partition] > 0}
        if not open_:
            return
        self._client.assign(list(open_))
        await self._client.seek_to_beginning(*open_)
        if since is not None:
            await self._seek_to_time(open_, ends, since)
        while open_:
            batch = await self._client.getmany(timeout_ms=POLL_MS, max_records=5_000)
            for records in batch.values():
                for record in records:
                    yield record
            for tp in list(open_):
                if await self._client.position(tp) >= ends[tp.topic, tp.partition]:
                    open_.discard(tp)

    async def _seek_to_time(self, partitions: Collection[TopicPartition], ends: dict[Partition, int], since: datetime) -> None:
        at = int(since.timestamp() * 1000)
        for tp, found in (await self._client.offsets_for_times(dict.fromkeys(partitions, at))).items():
            self._client.seek(tp, ends[tp.topic, tp.partition] if found is None else found.offset)

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

    async def ids_of_minutes(self, topic: str, minutes: Collection[datetime]) -> dict[datetime, list[UUID]]:
        """Return the ids of a topic's events of some minutes, copies included, in the order of the log."""
        partitions = await self.partitions(f"^{re.escape(topic)}$")
        ids: dict[datetime, list[UUID]] = {minute: [] for minute in minutes}
        async for record in self.records(partitions):
            if (found := identity_of(record)) and found[1] in ids:
                ids[found[1]].append(found[0])
        return ids

    async def records_of_minute(self, partitions: Collection[TopicPartition], minute: datetime) -> AsyncIterator[Any]:
        """Yield the records of one minute: by an event's own time where it has one, else by the broker's."""
        async for record in self.records(partitions):
            identity = identity_of(record)
            at = datetime.fromtimestamp(record.timestamp / 1000, UTC).replace(second=0, microsecond=0)
            if minute in (at, identity and identity[1]):
                yield record


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
