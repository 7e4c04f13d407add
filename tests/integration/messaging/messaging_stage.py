"""A consumer with effects that can be counted, on a real database."""

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from uuid import UUID

from shared.clock import Clock
from shared.contracts.envelope import Envelope, Event, derive_id, headers_of
from shared.contracts.intake import RegistrationSubmitted
from shared.contracts.registration import WorkerRegistered
from shared.contracts.topics import INTAKE_REGISTRATIONS, WORKERS
from shared.errors import Retryable, Unprocessable
from shared.messaging import Limits, Received, Subscription
from shared.messaging.pipeline import Pipeline
from shared.messaging.records import StoredRecord
from shared.messaging.retry import RetryPolicy
from shared.messaging.vault import Vault
from shared.security import KEY_MIGRATIONS, KeyStore
from shared.storage import Database, Outbox, Outgoing, Tx, migrate

NOON = datetime(2026, 3, 2, 5, 0, tzinfo=UTC)
QUICK = RetryPolicy(first_seconds=0.001, longest_seconds=0.001, attempts=8)
INTAKE_TOPIC = "intake.registrations.kemnaker"


@dataclass
class Ward:
    """A route that writes one row per event, and fails where a test says so."""

    failures: dict[str, list[Exception]] = field(default_factory=dict)
    outbox: Outbox | None = None

    async def prepare(self, batch: Sequence[Received[Event]]) -> None:
        """Need nothing."""

    async def apply(self, tx: Tx, batch: Sequence[Received[Event]], _prepared: object) -> None:
        """Write rows in order, then whatever error is due for one of them: used up where that record stands alone."""
        is_isolated = False
        for received in batch:
            is_isolated = await tx.fetchval(
                # Under a savepoint a row has the number of its subtransaction.
                "insert into effects (event_id, key, note) values ($1, $2, $3) returning xmin <> pg_current_xact_id()::xid",
                received.id,
                received.key,
                note_of(received.event),
            )
        if self.outbox:
            await self.outbox.add(tx, [Outgoing(a_worker(received.key), received.id, NOON) for received in batch])
        for received in batch:
            if due := self.failures.get(note_of(received.event)):
                raise due.pop(0) if is_isolated and len(batch) == 1 else due[0]


def note_of(event: Event) -> str:
    """Return what a test marks an event by."""
    return event.name if isinstance(event, RegistrationSubmitted) else getattr(event, "ticket", "")


def a_worker(key: str, ticket: str = "RNT-AAAA-BBBB") -> WorkerRegistered:
    worker_id = UUID(key) if len(key) == 36 else derive_id(key, "worker", at=NOON)
    return WorkerRegistered(
        worker_id=worker_id, ticket=ticket, province="32", facts_version=1, contact_version=1, facts="v1.aa", contact="v1.bb"
    )


def a_registration(reference: str, name: str = "Siti") -> bytes:
    event = RegistrationSubmitted(
        reference=reference,
        nik="3273010101900001",
        name=name,
        birth_date=date(1990, 1, 1),
        regency="32.73",
        employment_status="phk",
        layoff_on=date(2020, 4, 1),
        employer="PT Contoh",
    )
    return event.model_dump_json().encode()


def intake_record(offset: int, reference: str, *, name: str = "Siti", id_: str | None = None, partition: int = 0) -> StoredRecord:
    """Return a good registration as it lies on an intake topic."""
    envelope = Envelope(id_ or f"e-{offset}", "https://kemnaker.example", RegistrationSubmitted.TYPE, NOON)
    stamp = int(NOON.timestamp() * 1000)
    return StoredRecord(
        INTAKE_TOPIC, partition, offset, stamp, reference.encode(), a_registration(reference, name), headers_of(envelope)
    )


def own_record(offset: int, key: UUID, sequence: int, ticket: str = "T") -> StoredRecord:
    """Return an event of ours as it lies on its topic."""
    envelope = Envelope(str(derive_id(key, ticket, sequence)), "/rintis/registration", WorkerRegistered.TYPE, NOON, sequence)
    value = a_worker(str(key), ticket).model_dump_json().encode()
    return StoredRecord(WORKERS.name, 0, offset, int(NOON.timestamp() * 1000), str(key).encode(), value, headers_of(envelope))


@dataclass
class Stage:
    """A database, a route, and consumers that share both, as several processes of one service do."""

    database: Database
    keys: KeyStore
    ward: Ward = field(default_factory=Ward)

    def consumer(self, *, is_intake: bool = True, gates: int = 1000, limits: Limits | None = None) -> Pipeline:
        """Return one process' consumer, at the positions that the database names."""
        model = RegistrationSubmitted if is_intake else WorkerRegistered
        topic = INTAKE_REGISTRATIONS if is_intake else WORKERS
        subscription = Subscription("registration", topic.name.rsplit(".", 1)[-1], topic, {model: self.ward})
        limits = limits or Limits(retry=QUICK, gates=gates)
        return Pipeline(subscription, self.database, clock=Clock(), limits=limits, vault=Vault("registration", self.keys, 30))

    async def assign(self, consumer: Pipeline, topic: str = INTAKE_TOPIC, partitions: int = 1) -> None:
        """Give a consumer partitions, as Kafka's group would."""
        async with self.database.transaction() as tx:
            consumer.positions.reading = await consumer.positions.start(tx, {(topic, number): 0 for number in range(partitions)})

    async def notes(self) -> list[str]:
        """Return what was done, in order."""
        return [str(row["note"]) for row in await self.rows("select note from effects order by n")]

    async def rows(self, sql: str) -> list[dict[str, object]]:
        """Return what a query finds."""
        async with self.database.connection() as connection:
            return [dict(row) for row in await connection.fetch(sql)]

    async def release_all(self, *consumers: Pipeline) -> None:
        """Release until no gate is left."""
        for _ in range(200):
            for consumer in consumers:
                await consumer.release()
            if not await self.rows("select 1 from gate where not is_held"):
                return
        raise AssertionError(json.dumps(await self.rows("select key, attempts, reason from gate")))


@asynccontextmanager
async def a_stage(environment: dict[str, str]) -> AsyncIterator[Stage]:
    database = Database(environment["DATABASE_URL_REGISTRATION"], name="test")
    keys = KeyStore(Database(environment["DATABASE_URL_KEYS"], name="test-keys"), {"record": bytes(32)})
    await database.open()
    await keys.database.open()
    await migrate(keys.database, KEY_MIGRATIONS)
    async with database.connection() as connection:
        await connection.execute(
            "create table effects (n bigint generated always as identity, event_id uuid, key text, note text)"
        )
    yield Stage(database, keys)
    await database.close()
    await keys.database.close()


RETRY = Retryable()
DEAD = Unprocessable("box_unreadable", "facts")
