"""A ledger, topics and positions as four services would leave them, written without starting any."""

import asyncio
import os
import subprocess
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import asyncpg
from aiokafka import AIOKafkaProducer

from rintis.operations.audit import Audit
from rintis.operations.findings import Finding, Verdict
from rintis.operations.log import open_log
from rintis.operations.sources import PLANNER, Sources
from rintis.operations.store import Store
from rintis.runtime.databases import SERVICES
from shared.contracts.envelope import Envelope, headers_of
from shared.storage import Database, Heard, Outbox, Outgoing, fold_flow, load_queries, record_heard
from tests.integration.messaging.messaging_stage import a_worker

MINUTE = datetime(2020, 5, 11, 2, 30, tzinfo=UTC)
WORKERS = "registration.workers"
INTAKE = "intake.registrations.kemnaker"
SQL = load_queries("shared.storage")
COMMAND_SECONDS = 120
"""Longest time for one command, on a machine that runs other tests too."""


@dataclass
class Stage:
    """What an auditor looks at, and ways to damage it."""

    environment: Mapping[str, str]

    async def say(self, count: int, *, at: datetime = MINUTE) -> list[UUID]:
        """Write events of new workers as registration does: rows in the outbox, counted as said."""
        items = [Outgoing(a_worker(str(uuid4())), uuid4(), at) for _ in range(count)]
        async with self.database("registration") as database, database.transaction() as tx:
            return await Outbox("registration").add(tx, items)

    async def relay(self) -> None:
        """Take the outbox to the topic and empty it."""
        async with self.producer() as producer:
            for row in await self.sql("registration", "select * from outbox order by id"):
                envelope = Envelope(str(row["event_id"]), "/rintis/registration", row["type"], row["time"], row["sequence"])
                key = row["key"].encode()
                await producer.send_and_wait(row["topic"], row["payload"], key=key, headers=headers_of(envelope))
        await self.sql("registration", "delete from outbox")

    async def submit(self, count: int, *, topic: str = INTAKE) -> None:
        """Publish records as another system does; the audit looks at no content."""
        async with self.producer() as producer:
            for number in range(count):
                await producer.send_and_wait(topic, b"{}", key=f"ref-{number}".encode())

    async def hear(self, service: str, subject: str, pattern: str, *, without: Collection[UUID] = ()) -> None:
        """Account for everything that lies on the topics but `without`, as a consumer does in the transaction of its effects."""
        group = f"{service}.{subject}"
        async with open_log(self.bootstrap) as log:
            partitions = await log.partitions(pattern)
            records = [record async for record in log.records(partitions)]
            ends = await log.ends(partitions)
        async with self.database(service) as database, database.transaction() as tx:
            await record_heard(tx, group, [heard for heard in map(_heard, records) if heard.id not in without])
            names, numbers = zip(*ends, strict=True)
            await tx.execute(SQL["start_progress"], group, names, numbers, list(ends.values()))

    async def at_rest(self, *, unheard: int = 0) -> list[UUID]:
        """Three registrations in, three workers said and heard; notification skips some. Return the workers' event ids."""
        await self.submit(3)
        await self.hear("registration", "registrations", r"^intake[.]registrations[.]")
        ids = await self.say(3)
        await self.relay()
        await self.hear("eligibility", "workers", f"^{WORKERS}$")
        await self.hear("notification", "workers", f"^{WORKERS}$", without=ids[:unheard])
        return ids

    async def audit(self, *, store: bool = False, is_whole: bool = False) -> Verdict:
        """Audit as the command does, with little patience: nobody reads on meanwhile; with `store`, on what was proven."""
        databases = {
            s: Database(self.environment[f"AUDIT_URL_{s.upper()}"], name="audit", size=2, planner=PLANNER) for s in SERVICES
        }
        for database in databases.values():
            await database.open()
        try:
            sources = Sources(databases, self.bootstrap)
            async with open_log(self.bootstrap) as log, self.store(is_used=store) as known:
                return await Audit(sources, log, patience=0.1, store=known, is_whole=is_whole).run()
        finally:
            for database in databases.values():
                await database.close()

    @asynccontextmanager
    async def store(self, *, is_used: bool = True) -> AsyncIterator[Store | None]:
        """Lend the audit's own database."""
        if not is_used:
            yield None
            return
        store = Store(Database(self.environment["DATABASE_URL_AUDIT"], name="store", size=2))
        await store.open()
        try:
            yield store
        finally:
            await store.close()

    async def fold(self) -> None:
        """Fold every ledger, rows of this moment included."""
        for service in SERVICES:
            async with self.database(service) as database:
                await fold_flow(database, after_seconds=0)

    async def sql(self, service: str, statement: str, *arguments: Any) -> list[asyncpg.Record]:
        """Run plain SQL in a service's database, as its owner."""
        connection = await asyncpg.connect(self.environment[f"DATABASE_URL_{service.upper()}"])
        try:
            rows: list[asyncpg.Record] = await connection.fetch(statement, *arguments)
            return rows
        finally:
            await connection.close()

    async def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run `rintis` as a process of its own, with this stage's addresses."""
        return await asyncio.to_thread(run, arguments, self.environment)

    async def first_lines(self, count: int, *arguments: str) -> list[bytes]:
        """Return the first lines of a command that would go on for ever, and end it."""
        command = [sys.executable, "-m", "rintis", *arguments]
        process = await asyncio.create_subprocess_exec(*command, stdout=PIPE, env=variables_of(self.environment), limit=1 << 20)
        assert process.stdout
        async with asyncio.timeout(COMMAND_SECONDS):
            lines = [await process.stdout.readline() for _ in range(count)]
        process.kill()
        await process.wait()
        return lines

    @property
    def bootstrap(self) -> str:
        """The brokers' address."""
        return self.environment["KAFKA_BOOTSTRAP_SERVERS"]

    @asynccontextmanager
    async def database(self, service: str) -> AsyncIterator[Database]:
        """Lend a service's database."""
        database = Database(self.environment[f"DATABASE_URL_{service.upper()}"], name="stage", size=1)
        await database.open()
        try:
            yield database
        finally:
            await database.close()

    @asynccontextmanager
    async def producer(self) -> AsyncIterator[AIOKafkaProducer]:
        """Lend a producer."""
        producer = AIOKafkaProducer(bootstrap_servers=self.bootstrap, acks="all", linger_ms=0)
        await producer.start()
        try:
            yield producer
        finally:
            await producer.stop()


def _heard(record: Any) -> Heard:
    headers = dict(record.headers)
    is_ours = "ce_id" in headers
    at = datetime.fromisoformat(headers["ce_time"].decode()) if is_ours else datetime.fromtimestamp(record.timestamp / 1000, UTC)
    id_ = UUID(headers["ce_id"].decode()) if is_ours else uuid4()
    return Heard(record.topic, record.partition, at.astimezone(UTC), "handled", id_)


def run(arguments: Sequence[str], environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Run `rintis` as a process of its own, with nothing but these addresses."""
    command = [sys.executable, "-m", "rintis", *arguments]
    variables = variables_of(environment)
    return subprocess.run(command, env=variables, capture_output=True, text=True, timeout=COMMAND_SECONDS, check=False)  # noqa: S603


def variables_of(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the given variables beside a state folder that has nothing, so that only they say where things are."""
    inherited = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return {**inherited, "RINTIS_STATE": "/nonexistent", "COLUMNS": "200", **environment}


def found(verdict: Verdict, kind: str) -> list[Finding]:
    """Return the findings of a kind."""
    return [finding for finding in verdict.findings if finding.kind == kind]
