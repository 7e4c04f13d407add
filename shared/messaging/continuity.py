"""Whether the log, the database and Kafka's note of our position still tell one story, and which of them went back."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from shared.errors import DatabaseRestored, PositionLost
from shared.messaging.records import KafkaRecord

Partition = tuple[str, int]

LOOK_SECONDS = 10.0
"""How long to wait for one record per partition; the broker has them in memory or reads them in milliseconds."""
LOOK_BYTES = 64 << 10
"""Fetched per partition for one record; the broker sends a larger batch whole, one partition at a time."""
POLL_MS = 200
"""One wait for records; several fit into `LOOK_SECONDS`."""


@dataclass(frozen=True, slots=True)
class Log:
    """Where a partition begins and ends, and how far Kafka has noted that the group has come (None: never)."""

    beginning: int
    end: int
    committed: int | None = None


def check_log(group: str, partition: Partition, position: int, log: Log) -> None:
    """Raise PositionLost where the log does not hold the position that the database names."""
    if position > log.end:
        raise PositionLost(
            f"{group} has read {_text(partition)} up to {position}, but the log ends at {log.end}: its tail was lost",
            consumer=group,
            partition=partition,
        )
    if position < log.beginning:
        raise PositionLost(
            f"{group} has read {_text(partition)} up to {position}, but the log begins at {log.beginning}: "
            "records were deleted unread",
            consumer=group,
            partition=partition,
        )


def check_database(group: str, partition: Partition, position: int, committed: int | None) -> None:
    """Raise DatabaseRestored where Kafka knows that the group had come further than the database says.

    Kafka is told of a position only after the database has committed it: it cannot be ahead by itself.
    """
    if committed is not None and committed > position:
        raise DatabaseRestored(
            f"{group} had read {_text(partition)} up to {committed}, but the database says {position}: it went back in time",
            consumer=group,
            partition=partition,
        )


def check_record(group: str, partition: Partition, position: int, *, expected: UUID, found: frozenset[UUID]) -> None:
    """Raise PositionLost where the record before the position is not the one that was handled last."""
    if expected not in found:
        raise PositionLost(
            f"{group} has read {_text(partition)} up to {position}, but the log has another record there: "
            "its tail was lost and it grew again",
            consumer=group,
            partition=partition,
        )


def _text(partition: Partition) -> str:
    return f"{partition[0]}/{partition[1]}"


async def read_records(bootstrap: str, offsets: Mapping[Partition, int]) -> dict[Partition, KafkaRecord]:
    """Return the record at each offset; a partition without one there is left out.

    Raises TimeoutError where the broker does not answer in time.
    """
    found: dict[Partition, KafkaRecord] = {}
    if not offsets:
        return found
    client = AIOKafkaConsumer(
        bootstrap_servers=bootstrap,
        enable_auto_commit=False,
        auto_offset_reset="none",
        max_partition_fetch_bytes=LOOK_BYTES,
        fetch_max_wait_ms=POLL_MS,
    )
    await client.start()
    try:
        open_ = {TopicPartition(*partition): offset for partition, offset in offsets.items()}
        client.assign(list(open_))
        for tp, offset in open_.items():
            client.seek(tp, offset)
        async with asyncio.timeout(LOOK_SECONDS):
            while open_:
                for tp, records in (await client.getmany(timeout_ms=POLL_MS)).items():
                    if records[0].offset == open_.get(tp):
                        found[tp.topic, tp.partition] = records[0]
                # Markers of transactions move the position without a record.
                for tp in [tp for tp, offset in open_.items() if await client.position(tp) > offset]:
                    del open_[tp]
                    client.pause(tp)
    finally:
        await client.stop()
    return found


async def find_compacted(bootstrap: str, topics: Sequence[str]) -> set[str]:
    """Return which of the topics are compacted: there a record may be gone and the log be whole."""
    if not topics:
        return set()
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        resources = [ConfigResource(ConfigResourceType.TOPIC, topic, {"cleanup.policy": ""}) for topic in topics]
        answers = await admin.describe_configs(resources)
    finally:
        await admin.close()
    return {
        entry[3]
        for answer in answers
        for entry in answer.resources
        if any(config[0] == "cleanup.policy" and "compact" in str(config[1]) for config in entry[4])
    }
