"""Whether a publisher's database still knows of all that it has published."""

from __future__ import annotations

from collections.abc import Iterable

from aiokafka import AIOKafkaConsumer, TopicPartition

from shared.contracts.topics import OWN
from shared.errors import DatabaseRestored, Unprocessable
from shared.messaging.continuity import Partition, read_records
from shared.messaging.leaders import learn_leaders
from shared.messaging.records import KafkaRecord, key_of, read_envelope
from shared.storage import Database, load_queries

SQL = load_queries("shared.storage")


def outbox_of(service: str) -> str:
    """Return the name of a service's publishing side, beside the names of its consumers."""
    return f"{service}.outbox"


def source_of(service: str) -> str:
    """Return the CloudEvents source of a service's events."""
    return f"/rintis/{service}"


async def find_ends(bootstrap: str, topics: Iterable[str]) -> dict[Partition, int]:
    """Return where each partition of those topics ends that are there."""
    client = AIOKafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False)
    await client.start()
    try:
        # A consumer without subscription keeps no metadata of topics: all of it is asked for, partitions included.
        cluster = await client._client.fetch_all_metadata()  # noqa: SLF001 - aiokafka's public way names topics only
        there = sorted(set(topics) & set(cluster.topics()))
        partitions = [TopicPartition(topic, number) for topic in there for number in cluster.partitions_for_topic(topic)]
        await learn_leaders(client, partitions)
        ends = await client.end_offsets(partitions) if partitions else {}
        beginnings = await client.beginning_offsets(partitions) if partitions else {}
    finally:
        await client.stop()
    return {(tp.topic, tp.partition): end for tp, end in ends.items() if end > beginnings[tp]}


async def find_unknown(service: str, bootstrap: str, database: Database) -> dict[Partition, tuple[int, int]]:
    """Return where the last event on a topic has a number that the database has not given out: that number, and the database's.

    The database is read after the topics: it commits a number before the number can be published.
    """
    ends = await find_ends(bootstrap, [topic.name for topic in OWN if topic.publisher == service])
    tails = await read_records(bootstrap, {partition: end - 1 for partition, end in ends.items()})
    said = {partition: number for partition, record in tails.items() if (number := number_of(record, service)) is not None}
    if not said:
        return {}
    topics, keys = [topic for topic, _ in said], [key_of(tails[partition]) for partition in said]
    async with database.connection() as connection:
        rows = await connection.fetch(SQL["find_sequences"], topics, keys)
    known = {(row["topic"], row["key"]): row["last"] for row in rows}
    given = {partition: known.get((partition[0], key_of(tails[partition])), 0) for partition in said}
    return {partition: (number, given[partition]) for partition, number in said.items() if number > given[partition]}


async def verify_sequences(service: str, bootstrap: str, database: Database) -> None:
    """Raise DatabaseRestored where the service has published what its database does not know of.

    Going on would give the same numbers to other events, and hearers would take those for copies.
    """
    for partition, (said, given) in (await find_unknown(service, bootstrap, database)).items():
        raise DatabaseRestored(
            f"{service} has published number {said} of a key as the last event of {partition[0]}/{partition[1]}, "
            f"but its database has given out {given}: it went back in time",
            consumer=outbox_of(service),
            partition=partition,
        )


def number_of(record: KafkaRecord, service: str) -> int | None:
    """Return an event's number within its key, None where the record is none of the service's events."""
    try:
        envelope = read_envelope(record.headers)
    except Unprocessable:
        return None
    return envelope.sequence if envelope.source == source_of(service) and record.key else None
