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
        self._consumer = consumer
        self.reading: dict[Partition, int] = {}
        """The offset from which this process reads on, per partition it holds: never beyond what the database has committed."""
        self.last: dict[Partition, UUID | None] = {}
        """Id of the record before that, None where it is not known."""

    async def start(self, tx: Tx, beginnings: Mapping[Partition, int]) -> dict[Partition, int]:
        """Return where to read on; partitions that are new start at the log's beginning."""
        topics, partitions = zip(*beginnings, strict=True)
        await tx.execute(SQL["start_progress"], self._consumer, topics, partitions, list(beginnings.values()))
        rows = await tx.fetch(SQL["find_progress"], self._consumer)
        known = {(row["topic"], row["partition"]): row for row in rows}
        self.last = {partition: known[partition]["last_event_id"] for partition in beginnings}
        return {partition: known[partition]["next_offset"] for partition in beginnings}

    async def find_void(self, tx: Tx) -> set[tuple[Partition, int]]:
        """Return which of Kafka's notes somebody has declared void: partition and offset."""
        rows = await tx.fetch(SQL["find_position_decisions"], self._consumer)
        return {((row["topic"], row["partition"]), row["accepted"]) for row in rows}

    async def fence(self, tx: Tx, items: Sequence[Item]) -> list[Item]:
        """Lock the rows and return the records that are new.

        The position fetched from is compared, never the records' offsets: markers and deletions leave holes.
        Raises DatabaseRestored where this process is ahead of the database, or the database forgot a partition:
        a process reads on only from what was committed.
        """
        held = sorted({_partition(item) for item in items})
        topics, partitions = zip(*held, strict=True)
        rows = await tx.fetch(SQL["lock_progress"], self._consumer, topics, partitions)
        known = {(row["topic"], row["partition"]): row["next_offset"] for row in rows}
        forgotten = [partition for partition in held if partition not in known]
        if forgotten:
            raise DatabaseRestored(
                f"{self._consumer} has no position for {forgotten[0][0]}/{forgotten[0][1]}: was the database restored or emptied?",
                consumer=self._consumer,
                partition=forgotten[0],
            )
        for partition in held:
            check_database(self._consumer, partition, known[partition], self.reading.get(partition))
        return [item for item in items if item.record.offset >= known[_partition(item)]]

    async def advance(self, tx: Tx, items: Iterable[Item]) -> None:
        """Write the new positions; the last statement before the commit."""
        ends = _ends(items)
        topics, partitions = zip(*ends, strict=True)
        offsets = [offset for offset, _ in ends.values()]
        await tx.execute(SQL["advance_progress"], self._consumer, topics, partitions, offsets, [id_ for _, id_ in ends.values()])

    def moved(self, items: Iterable[Item]) -> None:
        """Remember, after the commit, where this process reads on."""
        for partition, (offset, id_) in _ends(items).items():
            self.reading[partition], self.last[partition] = offset, id_


def _partition(item: Item) -> Partition:
    return item.record.topic, item.record.partition


def _ends(items: Iterable[Item]) -> dict[Partition, tuple[int, UUID]]:
    return {_partition(item): (item.record.offset + 1, item.id) for item in items}
