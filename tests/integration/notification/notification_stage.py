"""What surrounds notification in its tests: services that say events, simulators that receive, and eyes on its database."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from rintis.runtime.processes import Process
from rintis.testing.environment import ServiceStarter
from services.notification.settings import Settings
from shared.contracts.boxes import Company, Contact
from shared.contracts.envelope import Envelope, Event, derive_id, headers_of
from shared.security import Boxes, KeyStore
from shared.storage import Database

FAST = {
    "RINTIS_NOTIFICATION_FIRST_RETRY_SECONDS": "0.1",
    "RINTIS_NOTIFICATION_LONGEST_RETRY_SECONDS": "0.2",
    "RINTIS_NOTIFICATION_IDLE_SECONDS": "0.05",
    "RINTIS_NOTIFICATION_LOST_SECONDS": "0.2",
    "RINTIS_NOTIFICATION_PROVIDER_SECONDS": "2",
    "RINTIS_NOTIFICATION_LEASE_SECONDS": "6",
    "RINTIS_NOTIFICATION_SMS_CLAIMED": "16",
    "RINTIS_NOTIFICATION_SMS_AT_ONCE": "16",
    "RINTIS_NOTIFICATION_EMAIL_CLAIMED": "8",
}
"""Bounds small enough for a test, in the proportions of the real ones."""
STANDING = """
select m.id, coalesce(q.channel, m.channel) as channel, coalesce(q.reason, m.reason) as reason, coalesce(q.attempts, m.attempts) as attempts,
       case when q.seq is null then m.state when q.lease is null then 'due' else 'sending' end as state
from messages m left join queue q on q.message_id = m.id
"""
"""Where each message stands: of one that waits, the queue knows whether it is due or being sent."""
PEOPLE = {
    "ani": (["reviewer"], ["32.73"]),
    "budi": (["reviewer"], ["32.73"]),
    "citra": (["reviewer"], ["33"]),
    "fitri": (["pembina"], ["*"]),
}


@dataclass
class Stage:
    """One notification service with its surroundings."""

    environment: dict[str, str]
    start: ServiceStarter
    producer: AIOKafkaProducer
    database: asyncpg.Connection[Any]
    boxes: dict[str, Boxes]
    files: dict[str, Path] = field(default_factory=dict)
    simulators: dict[str, Process] = field(default_factory=dict)
    service: Process | None = None
    spoken: Counter[tuple[str, str]] = field(default_factory=Counter)

    def open_doors(self, **changes: str) -> Process:
        """Start the simulators, where they do not run, and the service."""
        for name in ("sms", "smtp"):
            if name not in self.simulators:
                self.simulators[name], self.files[name] = self.start.simulator(name)
        callers = self.files["sms"].with_suffix(".callers.json")
        callers.write_text(json.dumps([a_caller(person, *rights) for person, rights in PEOPLE.items()]))
        self.service = self.start("notification", FAST | {"RINTIS_CALLERS_FILE": str(callers)} | changes)
        return self.service

    async def seal_contact(self, subject: UUID, **changes: Any) -> str:
        """Return a worker's contact box."""
        known = {"name": "Siti Rahmawati", "phone": "081234567890", "email": "siti@contoh.id", "ticket": "RNT-7KQ2-M4XP"}
        return await self._seal(subject, "contact", Contact.model_validate(known | {"access_code": "H7K2M9QA"} | changes))

    async def seal_company(self, subject: UUID, **changes: Any) -> str:
        """Return a company's contact box."""
        known = {"company": "PT Tenun Jaya", "name": "Budi Santoso", "phone": "+6281122334455", "email": "iomki@tenun.co.id"}
        return await self._seal(subject, "company", Company.model_validate(known | changes))

    async def say(self, *events: Event, times: int = 1) -> list[UUID]:
        """Publish events as their services do, each `times` times, and return their ids."""
        ids = []
        for event in events:
            lane = (event.TOPIC, event.key())
            self.spoken[lane] += 1
            now = datetime.now(UTC)
            event_id = derive_id(str(uuid4()), event.TYPE, at=now)
            envelope = Envelope(str(event_id), "/test", event.TYPE, now, self.spoken[lane], event.key())
            for _ in range(times):
                await self.producer.send(
                    event.TOPIC, event.model_dump_json().encode(), key=event.key().encode(), headers=headers_of(envelope)
                )
            ids.append(event_id)
        await self.producer.flush()
        return ids

    async def misbehave(self, **changes: Any) -> None:
        """Make the SMS provider slow or faulty."""
        async with httpx.AsyncClient(base_url=self.simulators["sms"].program.url) as client:
            (await client.post("/v1/behaviour", json=changes)).raise_for_status()

    def received(self, name: str) -> list[dict[str, Any]]:
        """Return what a simulator received."""
        return [json.loads(line) for line in self.files[name].read_text().splitlines()]

    async def states(self) -> Counter[tuple[str | None, str, str]]:
        """Return how many messages stand where, and why."""
        rows = await self.database.fetch(STANDING)
        return Counter((row["channel"], row["state"], row["reason"]) for row in rows)

    async def one_message(self) -> dict[str, Any]:
        """Return the only message."""
        (row,) = await self.database.fetch(STANDING)
        return dict(row)

    async def said(self, topic: str) -> list[tuple[str, dict[str, Any]]]:
        """Return type and body of what notification has published on a topic."""
        consumer = AIOKafkaConsumer(
            topic, bootstrap_servers=self.environment["KAFKA_BOOTSTRAP_SERVERS"], auto_offset_reset="earliest"
        )
        await consumer.start()
        try:
            ends = await consumer.end_offsets(consumer.assignment())
            found: list[tuple[str, dict[str, Any]]] = []
            while len(found) < sum(ends.values()):
                for records in (await consumer.getmany(timeout_ms=200)).values():
                    found += [(dict(r.headers)["ce_type"].decode(), json.loads(r.value)) for r in records]
            return found
        finally:
            await consumer.stop()

    def call(self, person: str) -> httpx.AsyncClient:
        """Return a client that calls the service as somebody."""
        if self.service is None:
            raise AssertionError("the service was not started")
        return httpx.AsyncClient(base_url=self.service.program.url, headers={"Authorization": f"Bearer token-{person}"})

    async def _seal(self, subject: UUID, box: str, content: Contact | Company) -> str:
        await self.boxes[box].keys.create([subject], [box])
        (sealed,) = await self.boxes[box].seal([(subject, content)], box)
        if sealed is None:
            raise AssertionError("the subject was erased")
        return sealed


def a_caller(person: str, roles: Sequence[str], regions: Sequence[str]) -> dict[str, Any]:
    """Return the entry of the callers file for somebody whose token is `token-<person>`."""
    digest = hashlib.sha256(f"token-{person}".encode()).hexdigest()
    return {"person": person, "roles": roles, "regions": regions, "token_sha256": digest}


@asynccontextmanager
async def a_stage(environment: dict[str, str], start: ServiceStarter) -> AsyncIterator[Stage]:
    """Yield the surroundings with connections open."""
    settings = Settings.model_validate(environment | {name.lower(): value for name, value in environment.items()})
    stores = {
        "contact": KeyStore(Database(settings.keys_database_url, name="test-keys"), settings.masters("contact")),
        "company": KeyStore(Database(settings.company_keys_database_url, name="test-companies"), settings.masters("company")),
    }
    producer = AIOKafkaProducer(bootstrap_servers=environment["KAFKA_BOOTSTRAP_SERVERS"], acks="all")
    database = await asyncpg.connect(environment["DATABASE_URL_NOTIFICATION"])
    await producer.start()
    for store in stores.values():
        await store.database.open()
    try:
        yield Stage(environment, start, producer, database, {box: Boxes(store) for box, store in stores.items()})
    finally:
        await producer.stop()
        await database.close()
        for store in stores.values():
            await store.database.close()
