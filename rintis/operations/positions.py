"""Where every consumer stands, what went back in time, and what somebody takes for the truth then."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from rintis.operations.edges import EDGES, Edge
from rintis.operations.log import Log as LogReader
from rintis.operations.sources import Sources
from rintis.runtime.errors import CannotStart
from shared.clock import Clock
from shared.errors import DatabaseRestored, PositionLost, WentBack
from shared.messaging.continuity import Log, Partition, check_database, check_log, check_record, find_compacted, read_records
from shared.messaging.items import possible_ids
from shared.messaging.records import Reader
from shared.messaging.tails import find_unknown, outbox_of
from shared.storage import Database, load_queries

SQL = load_queries("rintis.operations", "positions.sql")

BEGINNING = "beginning"
HERE = "here"
"""Where to read on after a log lost its tail: from where it begins, so that nothing is missed, or from the old position."""


@dataclass(frozen=True, slots=True)
class Standing:
    """One partition of one consumer. For a service's outbox `position` is the number given out, `committed` the one published."""

    consumer: str
    topic: str
    partition: int
    position: int
    committed: int | None
    beginning: int
    end: int
    fault: str = ""
    says: str = ""

    @property
    def service(self) -> str:
        """Return whose database holds the position."""
        return self.consumer.split(".", 1)[0]


async def read_standings(sources: Sources, log: LogReader) -> list[Standing]:
    """Return every position that a consumer has, and the outboxes that have forgotten what they published."""
    admin = AIOKafkaAdminClient(bootstrap_servers=sources.bootstrap)
    await admin.start()
    try:
        edges = [standing for edge in EDGES for standing in await _read_edge(sources, log, admin, edge)]
    finally:
        await admin.close()
    return edges + [standing for service in sources.services for standing in await _read_outbox(sources, service)]


async def _read_edge(sources: Sources, log: LogReader, admin: Any, edge: Edge) -> list[Standing]:
    # Kafka's notes first, the database next, the ends last: each may have grown by the time the next is read.
    notes = await admin.list_consumer_group_offsets(edge.group)
    async with sources.read(edge.hearer) as connection:
        rows = await connection.fetch(SQL["find_standing"], edge.group)
        void = {
            ((row["topic"], row["partition"]), row["accepted"]) for row in await connection.fetch(SQL["find_void"], edge.group)
        }
    positions = {(row["topic"], row["partition"]): row for row in rows}
    there = [tp for tp in await log.partitions(edge.pattern) if (tp.topic, tp.partition) in positions]
    beginnings, ends = await log.beginnings(there), await log.ends(there)
    logs = {p: Log(beginnings[p], ends[p], _note_of(notes, p)) for p in beginnings}
    faults = await _find_faults(sources.bootstrap, edge, positions, logs, void)
    return [
        Standing(edge.group, *p, positions[p]["next_offset"], log_.committed, log_.beginning, log_.end, *faults.get(p, ()))
        for p, log_ in logs.items()
    ]


def _note_of(notes: Mapping[Any, Any], partition: Partition) -> int | None:
    note = notes.get(TopicPartition(*partition))
    return None if note is None or note.offset < 0 else int(note.offset)


async def _find_faults(
    bootstrap: str,
    edge: Edge,
    positions: Mapping[Partition, Any],
    logs: Mapping[Partition, Log],
    void: set[tuple[Partition, int]],
) -> dict[Partition, tuple[str, str]]:
    """Return name and sentence of what each partition's consumer would stop for."""
    wanted = {
        p: positions[p]["next_offset"] - 1
        for p, log in logs.items()
        if positions[p]["last_event_id"] is not None and log.beginning < positions[p]["next_offset"] <= log.end
    }
    found = await read_records(bootstrap, wanted)
    compacted = await find_compacted(bootstrap, sorted({topic for topic, number in wanted if (topic, number) not in found}))
    reader = Reader({}, is_intake=edge.topic.is_intake, clock=Clock())
    faults: dict[Partition, tuple[str, str]] = {}
    for partition, log in logs.items():
        position = positions[partition]["next_offset"]
        try:
            if (partition, log.committed) not in void:
                check_database(edge.group, partition, position, log.committed)
            check_log(edge.group, partition, position, log)
            if partition in wanted and partition[0] not in compacted:
                ids = possible_ids(found[partition], reader) if partition in found else frozenset()
                check_record(edge.group, partition, position, expected=positions[partition]["last_event_id"], found=ids)
        except WentBack as fault:
            faults[partition] = (type(fault).__name__, str(fault))
    return faults


async def _read_outbox(sources: Sources, service: str) -> list[Standing]:
    unknown = await find_unknown(service, sources.bootstrap, sources.database(service))
    return [
        Standing(
            *(outbox_of(service), *partition, given, said, 0, 0, DatabaseRestored.__name__),
            says=f"{service} has published number {said} of a key that its database has given up to {given} only",
        )
        for partition, (said, given) in unknown.items()
    ]


@dataclass(frozen=True, slots=True)
class Decision:
    """Who takes what is there for the truth, why, and from where a log that lost its tail is read on."""

    decided_by: str
    reason: str
    decided_at: datetime
    read_from: str = BEGINNING

    def next_offset(self, standing: Standing) -> int:
        """Return where reading goes on."""
        if standing.fault == DatabaseRestored.__name__:
            # Where the log has nothing left at the position, what it has is all there is.
            return max(standing.position, standing.beginning)
        return (
            standing.beginning if self.read_from == BEGINNING else max(standing.beginning, min(standing.position, standing.end))
        )


async def accept(database: Database, standings: Sequence[Standing], decision: Decision) -> list[Standing]:
    """Record the decision in the service's own database and return where its consumers will read on.

    Raises:
        CannotStart: where a position has moved since it was looked at.
    """
    async with database.transaction() as tx:
        moved = []
        for standing in standings:
            place = (standing.consumer, standing.topic, standing.partition)
            target = decision.next_offset(standing)
            is_lost = standing.fault == PositionLost.__name__
            if target != standing.position or is_lost:
                answer = await tx.execute(SQL["set_position"], *place, target, standing.position)
                if answer != "UPDATE 1":
                    raise CannotStart(f"{standing.consumer} has moved since; nothing was decided.", "Look again.")
            await _record(tx, standing, decision, target)
            moved.append(Standing(**(asdict(standing) | {"position": target})))
    return moved


async def _record(tx: Any, standing: Standing, decision: Decision, target: int) -> None:
    place = (standing.consumer, standing.topic, standing.partition)
    who = (decision.decided_by, decision.reason, decision.decided_at)
    if standing.fault == PositionLost.__name__:
        await tx.execute(SQL["add_decision"], *place, PositionLost.__name__, standing.position, target, *who)
    if standing.committed is not None and standing.committed > target:
        await tx.execute(SQL["add_decision"], *place, DatabaseRestored.__name__, standing.committed, target, *who)
