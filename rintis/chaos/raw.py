"""Topics read raw: every record of every partition from the beginning, in no group."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Hashable, Mapping
from dataclasses import dataclass, field
from sys import intern
from types import MappingProxyType
from typing import Any

import orjson
from aiokafka import AIOKafkaConsumer, TopicPartition

from rintis.runtime.topics import admin, existing_topics

POLL_MS = 500
POLL_RECORDS = 5_000
PARTITION_BYTES = 8 << 20
"""Fetched at once per partition: eight of the largest records."""

TOLD: Mapping[str, tuple[str, ...]] = {
    "intake.permits": ("workers",),
    "registration.refusals": ("reference_id",),
    "eligibility.decisions": ("facts_version", "decision_id", "review_id", "decided_by"),
    "eligibility.placements": ("request_id", "offer_id", "incubator"),
    "notification.messages": ("message_id",),
    "notification.notices": ("message_id",),
    "reporting.filings": ("filing_id",),
}
"""Fields that are kept of a record, by the first two words of its topic: ids, versions and counts. Nothing that names a person."""
NOTHING: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Record:
    """What is kept of one record. `digest` stands for its whole value; `at_ms` is the time on the log."""

    topic: str
    partition: int
    offset: int
    at_ms: int
    key: str
    id: str = ""
    source: str = ""
    type: str = ""
    sequence: int = 0
    digest: Hashable = b""
    body: Mapping[str, Any] = field(default_factory=dict)

    @property
    def place(self) -> tuple[str, int, int]:
        """Return where it lies."""
        return self.topic, self.partition, self.offset

    @property
    def fact(self) -> str:
        """Return the last words of its type: `decision.confirmed` of `id.rintis.eligibility.decision.confirmed.v1`."""
        return ".".join(self.type.rsplit(".", 3)[1:3])


def read_record(record: Any) -> Record:
    """Return what is kept of a record as the client gives it, however broken it is."""
    headers = dict(record.headers)
    value = record.value or b""
    sequence = headers.get("ce_sequence") or b""
    return Record(
        intern(record.topic),
        record.partition,
        record.offset,
        record.timestamp,
        _text(record.key),
        _text(headers.get("ce_id")),
        _text(headers.get("ce_source")),
        _text(headers.get("ce_type")),
        int(sequence) if sequence.isdigit() else 0,
        hashlib.blake2b(value, digest_size=8).digest(),
        _told(record.topic, value),
    )


def _text(raw: bytes | None) -> str:
    """Return it as text, each text once: a long run has millions of records, and an id is on five topics and in as many tables."""
    return intern((raw or b"").decode("utf-8", "replace"))


def _told(topic: str, value: bytes) -> Mapping[str, Any]:
    names = TOLD.get(".".join(topic.split(".", 2)[:2]))
    if names is None:
        return NOTHING
    try:
        body = orjson.loads(value)
    except ValueError:
        return NOTHING
    if not isinstance(body, dict):
        return NOTHING
    return {name: _once(body[name]) for name in names if name in body} or NOTHING


def _once(value: Any) -> Any:
    return intern(value) if isinstance(value, str) else value


async def read_topics(bootstrap: str, names: Collection[str] | None = None) -> dict[str, list[Record]]:
    """Return the records of all our topics, or of these, per topic in the order of each partition."""
    found = sorted(await existing_topics(bootstrap) if names is None else names)
    partitions = await _partitions(bootstrap, found)
    records: dict[str, list[Record]] = {topic: [] for topic in found}
    client = AIOKafkaConsumer(
        bootstrap_servers=bootstrap,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        isolation_level="read_committed",
        max_partition_fetch_bytes=PARTITION_BYTES,
    )
    await client.start()
    try:
        await _read(client, partitions, records)
    finally:
        await client.stop()
    return records


async def find_ends(bootstrap: str, names: Collection[str]) -> dict[tuple[str, int], int]:
    """Return where each partition ends now."""
    partitions = await _partitions(bootstrap, names)
    client = AIOKafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False)
    await client.start()
    try:
        return {(tp.topic, tp.partition): end for tp, end in (await client.end_offsets(partitions)).items()}
    finally:
        await client.stop()


async def _partitions(bootstrap: str, names: Collection[str]) -> list[TopicPartition]:
    async with admin(bootstrap) as client:
        described = await client.describe_topics(list(names)) if names else []
    return [TopicPartition(topic["topic"], part["partition"]) for topic in described for part in topic["partitions"]]


async def _read(client: Any, partitions: Collection[TopicPartition], records: Mapping[str, list[Record]]) -> None:
    ends = await client.end_offsets(partitions)
    starts = await client.beginning_offsets(partitions)
    open_ = {partition for partition in partitions if ends[partition] > starts[partition]}
    if not open_:
        return
    client.assign(list(open_))
    await client.seek_to_beginning(*open_)
    while open_:
        for batch in (await client.getmany(timeout_ms=POLL_MS, max_records=POLL_RECORDS)).values():
            for record in batch:
                records[record.topic].append(read_record(record))
        for partition in list(open_):
            if await client.position(partition) >= ends[partition]:
                open_.discard(partition)
                client.pause(partition)
