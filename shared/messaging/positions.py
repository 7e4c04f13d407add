"""How far a consumer has come: kept in PostgreSQL, in the transaction of the effects."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

from shared.errors import DatabaseRestored
from shared.messaging.continuity import check_database
from shared.messaging.items import Item
from shared.storage import Tx, load_queries

SQL = load_queries("shared.storage")

Partition = tuple[str, int]


class Positions:
    """The positions of one consumer: what the database says, and where this process reads."""

    def __init__(self, consumer: str) -> None:
        self.consumer = consumer
        self.reading: dict[Partition, int] = {}
        """The offset from which this process reads on, per partition it holds: never beyond what the database has committed."""
        self.last: dict[Partition, UUID | None] = {}
        """Id of the record before that, None where it is not known."""

    async def start(self, tx: Tx, beginnings: Mapping[Partition, int]) -> dict[Partition, int]:
        """Return where to read on; partitions that are new start at the log's beginning."""
        topics, partitions = zip(*beginnings, strict=True)
        await tx.execute(SQL["start_progress"], self.consumer, topics, partitions, list(beginnings.values()))
        rows = await tx.fetch(SQL["find_progress"], self.consumer)
        known = {(row["topic"], row["partition"]): row for row in rows}
        self.last = {partition: known[partition]["last_event_id"] for partition in beginnings}
        return {partition: known[partition]["next_offset"] for partition in beginnings}

    async def find_void(self, tx: Tx) -> set[tuple[Partition, int]]:
        """Return which of Kafka's notes somebody has declared void: partition and offset."""
        rows = await tx.fetch(SQL["find_position_decisions"], self.consumer)
        return {((row["topic"], row["partition"]), row["accepted"]) for row in rows}

    def fence(self, items: Sequence[Item], held: Sequence[Partition], known: Mapping[Partition, int]) -> list[Item]:
        """Return the records that are new by the `known` positions, whose rows are locked.

        The position fetched from is compared, never the records' offsets: markers and deletions leave holes.
        Raises DatabaseRestored where this process is ahead of the database, or the database forgot a partition:
        a process reads on only from what was committed.
        """
        forgotten = [partition for partition in held if partition not in known]
        if forgotten:
            raise DatabaseRestored(
                f"{self.consumer} has no position for {forgotten[0][0]}/{forgotten[0][1]}: was the database restored or emptied?",
                consumer=self.consumer,
                partition=forgotten[0],
            )
        for partition in held:
            check_database(self.consumer, partition, known[partition], self.reading.get(partition))
        return [item for item in items if item.record.offset >= known[item.partition]]

    def moved(self, ends: Mapping[Partition, tuple[int, UUID]]) -> None:
        """Remember, after the commit, where this process reads on."""
        for partition, (offset, id_) in ends.items():
            self.reading[partition], self.last[partition] = offset, id_


def ends_of(items: Iterable[Item]) -> dict[Partition, tuple[int, UUID]]:
    """Return where to read on after these records, and the last record's id."""
    last = {item.partition: item for item in items}
    return {partition: (item.record.offset + 1, item.id) for partition, item in last.items()}
