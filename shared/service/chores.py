"""The jobs that every service has beside its own: gates, positions, figures, operators' actions, the flow ledger."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial

from shared.errors import Fatal
from shared.messaging import Consumer, Limits, Reader
from shared.messaging.fuse import Blown
from shared.messaging.reader import NOTE_SECONDS
from shared.messaging.redrive import Redrive
from shared.messaging.stops import Stops
from shared.service.health import find_lost
from shared.service.jobs import Job
from shared.storage import Database, fold_flow, load_queries
from shared.telemetry import metrics

SQL = load_queries("shared.storage")

GAUGE_SECONDS = 2.0
"""How often the outbox is measured, and consumers are looked at."""
TRIM_SECONDS = 900.0
"""How often records of the intake are looked for that were handled long enough ago: a part of the day for which they stay."""
REDRIVE_SECONDS = 1.0
"""How often somebody looks whether operators have asked for anything."""
FORGET_SECONDS = 60.0
"""How often ids of the intake are looked for that are old enough to be forgotten."""
FORGET_BATCH = 5_000
"""Ids forgotten in one transaction: some tens of milliseconds, so that no batch waits for it."""
FOLD_SECONDS = 15.0
"""How often the flow ledger's appended rows are folded into cells: what an audit reads stays small."""


@dataclass(frozen=True, slots=True)
class Chores:
    """What a process of a service with a database does by time. `member` names the process among those of its service."""

    database: Database
    consumers: Sequence[Consumer]
    readers: Sequence[Reader]
    limits: Limits
    member: str
    wake: Callable[[], None]
    is_stopping: Callable[[], bool]

    def jobs(self) -> list[Job]:
        """Return the jobs; the readers must all be there."""
        redrive = Redrive(self.database, {consumer.group: consumer.pipeline for consumer in self.consumers}, self.limits)
        stops = Stops(self.database, self.consumers, self.limits, self.member)
        return [
            *self._of_consumers(),
            Job("measure outbox", GAUGE_SECONDS, self._measure),
            Job("watch consumers", GAUGE_SECONDS, self.watch_consumers),
            Job("redrive", REDRIVE_SECONDS, redrive.step),
            Job("stops", self.limits.stops_seconds, stops.look),
            Job("fold flow", FOLD_SECONDS, partial(fold_flow, self.database)),
            Job("forget seen", FORGET_SECONDS, self.forget_seen),
        ]

    async def note_positions(self) -> bool:
        """Tell Kafka how far the database has come."""
        for reader in self.readers:
            await reader.note()
        return False

    async def forget_seen(self) -> bool:
        """Forget ids of the intake that are too old to come again; return whether there may be more."""
        before = datetime.now(UTC) - timedelta(days=self.limits.seen_days)
        async with self.database.connection() as connection:
            status = await connection.execute(SQL["forget_seen"], before, FORGET_BATCH)
        return bool(status == f"DELETE {FORGET_BATCH}")

    async def watch_consumers(self) -> bool:
        """End a process whose Kafka client gave up for good, so that the next one in its slot goes on."""
        # Clients that are being stopped leave their groups too.
        if not self.is_stopping() and (lost := find_lost(self.readers)):
            raise Fatal(f"{lost[0]} reads no more: a task of it has ended by itself")
        return False

    def _of_consumers(self) -> list[Job]:
        if not self.consumers:
            return []
        return [
            Job("release gates", self.limits.release_seconds, self._release_due),
            Job("note positions", NOTE_SECONDS, self.note_positions),
            Job("trim intake", TRIM_SECONDS, self._trim),
        ]

    async def _trim(self) -> bool:
        for reader in self.readers:
            await reader.trim()
        return False

    async def _release_due(self) -> bool:
        """Release gates whose time has come, of all consumers at once; return whether there were any."""
        async with self.database.connection() as connection:
            due = {row["consumer"] for row in await connection.fetch(SQL["find_due_consumers"], datetime.now(UTC))}
        consumers = [consumer for consumer in self.consumers if consumer.group in due]
        released = await asyncio.gather(*map(self._release, consumers))
        return any(released)

    async def _release(self, consumer: Consumer) -> bool:
        try:
            has_more = await consumer.pipeline.release()
        except Blown as blown:
            consumer.stop(blown)
            return False
        if has_more:
            self.wake()
        return has_more

    async def _measure(self) -> bool:
        async with self.database.connection() as connection:
            row = await connection.fetchrow(SQL["measure_outbox"])
            parked = {line["consumer"]: line for line in await connection.fetch(SQL["measure_parked"])}
        metrics.OUTBOX_EVENTS.set(row["waiting"] if row else 0)
        metrics.OUTBOX_AGE.set(row["age_seconds"] if row else 0)
        for group in (consumer.group for consumer in self.consumers):
            metrics.PARKED_RECORDS.labels(group).set(parked[group]["records"] if group in parked else 0)
            metrics.PARKED_AGE.labels(group).set(parked[group]["age_seconds"] if group in parked else 0)
        return False
