"""What a restored publisher has to learn again from its own topics: the numbers that it has given out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from aiokafka import TopicPartition

from rintis.operations.log import Log as LogReader
from rintis.operations.positions import Decision, Standing
from shared.contracts.topics import OWN
from shared.messaging.records import KafkaRecord, key_of
from shared.messaging.tails import number_of
from shared.storage import Database, load_queries

SQL = load_queries("rintis.operations", "positions.sql")

MARGIN = timedelta(minutes=10)
"""Read from so long before the latest moment that the database knows of: more than clocks differ and a relay lags."""
FAULT = "DatabaseRestored"


@dataclass(frozen=True, slots=True)
class Learned:
    """What was read again: records looked at, and keys whose number was raised."""

    records: int
    keys: int


async def learn(service: str, log: LogReader, database: Database, standings: Sequence[Standing], decision: Decision) -> Learned:
    """Raise a restored service's numbers to what its topics hold, so that no number is given to a second event.

    Events that its work says again get new numbers and their old ids: hearers act on an id once.
    """
    async with database.connection() as connection:
        since = await connection.fetchval(SQL["find_last_sign"])
    partitions: list[TopicPartition] = []
    for topic in OWN:
        if topic.publisher == service:
            partitions += await log.partitions(f"^{topic.name.replace('.', '[.]')}$")
    highest: dict[tuple[str, str], int] = {}
    looked = 0
    async for record in log.records(partitions, since=None if since is None else since - MARGIN):
        looked += 1
        _note(record, service, highest)
    async with database.transaction() as tx:
        if highest:
            topics, keys = zip(*highest, strict=True)
            await tx.execute(SQL["raise_sequences"], topics, keys, list(highest.values()))
        for standing in standings:
            await tx.execute(
                SQL["add_decision"],
                *(standing.consumer, standing.topic, standing.partition, FAULT, standing.committed, standing.position),
                *(decision.decided_by, decision.reason, decision.decided_at),
            )
    return Learned(looked, len(highest))


def _note(record: KafkaRecord, service: str, highest: dict[tuple[str, str], int]) -> None:
    number = number_of(record, service)
    if number is not None:
        lane = (record.topic, key_of(record))
        highest[lane] = max(number, highest.get(lane, 0))
