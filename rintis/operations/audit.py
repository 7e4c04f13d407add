"""The audit: what was said against what was heard, what came in against what was accounted for.

It reads sums of the flow ledger, so millions of events cost no more than their minutes; only a minute that does not add
up is opened, event by event.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from rintis.operations.edges import INTAKE_EDGES, OWN_EDGES, Edge
from rintis.operations.findings import MOST_IDS, Finding, Verdict, classify, name_ids
from rintis.operations.log import Log, Partition
from rintis.operations.sources import Sources
from shared.contracts.envelope import hash64
from shared.storage import load_queries

__all__ = ["Audit", "Verdict"]

SQL = load_queries("rintis.operations")

PATIENCE_SECONDS = 10.0
"""How long the audit lets a live system read what was said before it looked."""
LOOK_SECONDS = 0.2
STUCK_AFTER = timedelta(minutes=15)
"""What waits for longer than this is stuck: the longest back-off is a minute."""
OPENED_MINUTES = 5
"""Minutes that are opened event by event per edge; the first broken one is what an operator needs."""
NOT_ACCEPTED = frozenset({"refused", "dead", "repeat", "duplicate", "parked", "malformed", "undecided", "ignored"})

Sums = dict[datetime, tuple[int, Decimal]]


class Audit:
    """One audit of a system that may be at work meanwhile."""

    def __init__(self, sources: Sources, log: Log, *, patience: float = PATIENCE_SECONDS) -> None:
        self._sources = sources
        self._log = log
        self._patience = patience
        self._verdict = Verdict()

    async def run(self) -> Verdict:
        """Return what was found."""
        for edge in INTAKE_EDGES:
            await self._check_intake(edge)
        for edge in OWN_EDGES:
            await self._check_own(edge)
        for service in self._sources.services:
            await self._check_inside(service)
        return self._verdict

    async def _check_intake(self, edge: Edge) -> None:
        """Every record up to the position has exactly one outcome."""
        partitions = await self._log.partitions(edge.pattern)
        ends = await self._log.ends(partitions)
        await self._wait_for_positions(edge, ends)
        async with self._sources.read(edge.hearer) as connection:
            counted = {
                (r["topic"], r["partition"]): r["events"] for r in await connection.fetch(SQL["count_partitions"], edge.group)
            }
            positions = await self._positions(connection, edge)
            later = {
                (r["topic"], r["partition"]): r["events"] for r in await connection.fetch(SQL["count_partitions"], edge.group)
            }
        self._verdict.in_flight += _behind(positions, ends)
        for partition, position in positions.items():
            before, after = counted.get(partition, 0), later.get(partition, 0)
            if not before <= position <= after:
                await self._open_partition(edge, partition, position, after if position > after else before)

    async def _open_partition(self, edge: Edge, partition: Partition, position: int, accounted: int) -> None:
        """Compare a partition record by record with what was accounted for, and name the minutes that differ."""
        topic, number = partition
        async with self._sources.read(edge.hearer) as connection:
            rows = await connection.fetch(SQL["count_minutes"], edge.group, topic, number)
        counted = {row["minute"]: row["events"] for row in rows}
        on_log = await self._log.offsets_by_minute(topic, number, position)
        kind, difference = ("missing", position - accounted) if position > accounted else ("double", accounted - position)
        if kind == "missing":
            # Offsets that hold no record for us: markers of transactions.
            begin = (await self._log.beginnings_of(topic, number))[partition]
            difference -= position - min(begin, position) - sum(map(len, on_log.values()))
        if difference <= 0:
            return
        sign = 1 if kind == "missing" else -1
        broken = [minute for minute, offsets in sorted(on_log.items()) if sign * (len(offsets) - counted.get(minute, 0)) > 0]
        since = broken[0] if broken else None
        detail = f"{topic} partition {number}: read to {position}, accounted for {accounted}"
        offsets = on_log[since] if since else []
        ids = [f"{topic}/{number}/{offset}" for offset in offsets[:MOST_IDS]]
        self._add(kind, edge, difference, since=since, detail=detail, ids=ids)

    async def _check_own(self, edge: Edge) -> None:
        """What was said before we looked was heard by the time we look again, minute by minute."""
        publisher, topic = edge.topic.publisher, edge.topic.name
        said = await self._sums(publisher, "find_said", topic)
        waiting = await self._wait_for_outbox(publisher, topic)
        ends = await self._log.ends(await self._log.partitions(edge.pattern))
        await self._wait_for_positions(edge, ends)
        async with self._sources.read(edge.hearer) as connection:
            behind = _behind(await self._positions(connection, edge), ends)
        heard = await self._sums(edge.hearer, "find_heard", edge.group, topic)
        said_again = await self._sums(publisher, "find_said", topic)
        self._verdict.in_flight += waiting + behind
        if waiting or behind:
            return
        broken = [
            m for m in sorted(said.keys() | heard.keys()) if said.get(m) == said_again.get(m) and said.get(m) != heard.get(m)
        ]
        for number, minute in enumerate(broken):
            await self._open_minute(edge, minute, said.get(minute), heard.get(minute), is_opened=number < OPENED_MINUTES)

    async def _open_minute(
        self,
        edge: Edge,
        minute: datetime,
        said: tuple[int, Decimal] | None,
        heard: tuple[int, Decimal] | None,
        *,
        is_opened: bool,
    ) -> None:
        """Name what of one minute is missing or double."""
        none = (0, Decimal(0))
        (said_events, said_sum), (heard_events, heard_sum) = said or none, heard or none
        events = said_events - heard_events
        detail = f"said {said_events}, heard {heard_events}"
        ids: list[str] = []
        if is_opened:
            on_log = set(await self._log.ids_of_minute(edge.topic.name, minute))
            named = name_ids(on_log, int(heard_sum - said_sum if events < 0 else said_sum - heard_sum))
            if sum(map(hash64, on_log)) != said_sum:
                detail += f"; on the topic: {len(on_log)}, so the gap is before the topic or was deleted from it"
            elif not named:
                named, detail = sorted(on_log), detail + "; the ids are among those named"
            ids = [str(id_) for id_ in named[:MOST_IDS]]
        self._add("double" if events < 0 else "missing", edge, abs(events) or 1, since=minute, detail=detail, ids=ids)

    async def _check_inside(self, service: str) -> None:
        """Ask each service's own statements for what is broken in its database, and list what is dead or waits too long."""
        async with self._sources.read(service) as connection:
            for statement in load_queries(f"services.{service}", "audit.sql").values():
                for row in await connection.fetch(statement):
                    kind = classify(row["kind"])
                    self._verdict.findings.append(
                        Finding(kind, f"{service}: {row['kind']}", 1, row["since"], row["detail"], [row["subject"]])
                    )
            for row in await connection.fetch(SQL["find_held_gates"]):
                where = f"{row['consumer']}: a key waits for an operator"
                self._verdict.findings.append(Finding("stuck", where, 1, row["opened_at"], row["reason"]))
            for row in await connection.fetch(SQL["count_dead"]):
                self._verdict.dead += row["letters"]
                self._verdict.dead_by_reason.append({**dict(row), "oldest": row["oldest"].isoformat()})
            topics = sorted({edge.topic.name for edge in OWN_EDGES if edge.topic.publisher == service})
            outbox = [await connection.fetchrow(SQL["find_outbox"], topic) for topic in topics]
            self._note_age("outbox", service, [row["oldest"] for row in outbox if row and row["oldest"]])
            counts = await connection.fetch(SQL["count_outcomes"])
        self._verdict.accepted += sum(row["events"] for row in counts if row["outcome"] not in NOT_ACCEPTED)

    def _note_age(self, what: str, service: str, oldest: list[datetime]) -> None:
        late = [at for at in oldest if at < datetime.now(UTC) - STUCK_AFTER]
        if late:
            self._verdict.findings.append(Finding("stuck", f"{service}: {what}", len(late), min(late), "is not being emptied"))

    def _add(
        self, kind: str, edge: Edge, events: int, *, since: datetime | None = None, detail: str = "", ids: list[str] | None = None
    ) -> None:
        where = f"{edge.topic.name} -> {edge.group}"
        self._verdict.findings.append(Finding(kind, where, events, since, detail, ids or []))

    async def _sums(self, service: str, block: str, *arguments: str) -> Sums:
        async with self._sources.read(service) as connection:
            rows = await connection.fetch(SQL[block], *arguments)
        return {row["minute"]: (row["events"], row["hash_sum"]) for row in rows if row["events"] or row["hash_sum"]}

    async def _wait_for_outbox(self, service: str, topic: str) -> int:
        """Give the relay time for what was in the outbox at the first look; return what is left of it."""
        deadline = time.monotonic() + self._patience
        async with self._sources.read(service) as connection:
            row = await connection.fetchrow(SQL["find_outbox"], topic)
            left: int = row["events"] if row else 0
            while left and row and time.monotonic() < deadline:
                await asyncio.sleep(LOOK_SECONDS)
                left = await connection.fetchval(SQL["count_outbox_until"], topic, row["last_id"])
        return left

    async def _wait_for_positions(self, edge: Edge, ends: Mapping[Partition, int]) -> None:
        deadline = time.monotonic() + self._patience
        async with self._sources.read(edge.hearer) as connection:
            while True:
                if not _behind(await self._positions(connection, edge), ends) or time.monotonic() >= deadline:
                    return
                await asyncio.sleep(LOOK_SECONDS)

    @staticmethod
    async def _positions(connection: Any, edge: Edge) -> dict[Partition, int]:
        rows = await connection.fetch(SQL["find_positions"], edge.group)
        return {(row["topic"], row["partition"]): row["next_offset"] for row in rows}


def _behind(positions: Mapping[Partition, int], ends: Mapping[Partition, int]) -> int:
    return sum(max(0, end - positions.get(partition, 0)) for partition, end in ends.items())
