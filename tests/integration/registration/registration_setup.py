"""What the integration tests of registration share: consumers on a real database without Kafka, a clock that stands, builders."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from services.registration.app import make_desk
from services.registration.consumers import subscriptions
from services.registration.handlers.desk import Desk
from services.registration.settings import Settings
from shared.clock import Clock
from shared.contracts.boxes import Contact, Facts
from shared.contracts.envelope import Envelope, Event, headers_of
from shared.contracts.intake import LayoffReported, RegistrationSubmitted
from shared.contracts.registry import EVENTS
from shared.messaging import Limits
from shared.messaging.pipeline import Pipeline
from shared.messaging.records import StoredRecord
from shared.messaging.vault import Vault
from shared.security import KeyStore
from shared.storage import Database

NOW = datetime(2020, 5, 11, 3, 0, tzinfo=UTC)
NIK = "3273015204890007"
_IDS = itertools.count(1)
PUBLISHERS = ("kemnaker", "dinas")


def a_registration(nik: str = NIK, **changes: Any) -> RegistrationSubmitted:
    """Return a registration that is accepted: of a woman born on 12 April 1989 in Bandung."""
    values: dict[str, Any] = {
        "reference": f"REF-{next(_IDS)}",
        "nik": nik,
        "name": "Wulan Sekarningrum",
        "birth_date": date(1989, 4, 12),
        "phone": "081200417889",
        "regency": "32.73",
        "employment_status": "phk",
        "layoff_on": date(2020, 4, 6),
        "employer": "PT Sandang Parahyangan Makmur",
        "employer_kbli": "14111",
        "layoff_letter": "017/HRD-PHK/IV/2020",
    }
    return RegistrationSubmitted(**{**values, **changes})


def a_layoff(nik: str = NIK, **changes: Any) -> LayoffReported:
    """Return a line of a layoff list about the same woman."""
    values: dict[str, Any] = {
        "reference": f"LINE-{next(_IDS)}",
        "nik": nik,
        "name": "Wulan Sekarningrum",
        "birth_date": date(1989, 4, 12),
        "employment_status": "phk",
        "layoff_on": date(2020, 4, 6),
        "employer": "PT Sandang Parahyangan Makmur",
    }
    return LayoffReported(**{**values, **changes})


@dataclass
class Office:
    """The service without Kafka: records go through the consumers' own pipelines."""

    desk: Desk
    pipelines: Mapping[str, Pipeline]
    offsets: Counter[str] = field(default_factory=Counter)

    async def hear(
        self,
        *events: Event,
        ids: Sequence[str] = (),
        publisher: str = "kemnaker",
        at: datetime = NOW,
        apart: timedelta = timedelta(0),
    ) -> None:
        """Settle records of one topic as one batch; each event was said `apart` later than the one before it."""
        given = list(ids) or [f"id-{next(_IDS)}" for _ in events]
        said = [at + number * apart for number in range(len(events))]
        records = [self._record(event, id_, publisher, when) for event, id_, when in zip(events, given, said, strict=True)]
        await self.pipelines[events[0].TOPIC].process(records)

    def _record(self, event: Event, id_: str, publisher: str, at: datetime) -> StoredRecord:
        is_intake = event.TOPIC.startswith("intake.")
        topic = f"{event.TOPIC}.{publisher}" if is_intake else event.TOPIC
        self.offsets[f"{topic} {event.key()}"] += 1
        sequence = None if is_intake else self.offsets[f"{topic} {event.key()}"]
        headers = headers_of(Envelope(id_, f"https://{publisher}.contoh.go.id", event.TYPE, at, sequence))
        offset = self.offsets[topic]
        self.offsets[topic] += 1
        body = event.model_dump_json().encode()
        return StoredRecord(topic, 0, offset, int(at.timestamp() * 1000), event.key().encode(), body, headers)

    def at(self, when: datetime) -> Desk:
        """Return the desk at another time."""
        return replace(self.desk, clock=standing(when))

    async def rows(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """Return what the database holds."""
        async with self.desk.database.connection() as connection:
            return [tuple(row) for row in await connection.fetch(statement, *values)]

    async def said(self) -> list[Event]:
        """Return everything in the outbox, in order."""
        rows = await self.rows("select type, payload from outbox order by id")
        return [EVENTS[type_].model_validate_json(payload) for type_, payload in rows]

    async def kinds(self) -> list[str]:
        """Return the names of the events in the outbox."""
        return [type(event).__name__ for event in await self.said()]

    async def verdicts(self) -> Counter[str]:
        """Return how many submissions have each verdict."""
        return Counter(verdict for (verdict,) in await self.rows("select verdict from submissions"))

    async def open_contact(self, event: Any, subject: Any) -> Contact | None:
        """Return what notification would read."""
        return (await self.desk.boxes.open([(subject, event.contact)], "contact", Contact))[0]

    async def open_facts(self, event: Any) -> Facts | None:
        """Return what eligibility would read."""
        return (await self.desk.boxes.open([(event.worker_id, event.facts)], "facts", Facts))[0]


def standing(at: datetime) -> Clock:
    """Return a clock that stands still."""
    return Clock(at, datetime(2000, 1, 1, tzinfo=UTC), 0.0)


@asynccontextmanager
async def open_office(variables: Mapping[str, str]) -> AsyncIterator[Office]:
    """Lend the service's use cases and consumers on empty databases."""
    settings = Settings.model_validate(dict(variables))
    database = Database(settings.database_url, name="registration test")
    masters = settings.masters("identity", "contact", "facts", "record")
    keys = KeyStore(Database(settings.keys_database_url, name="keys test"), masters)
    await database.open()
    await keys.database.open()
    try:
        desk = replace(make_desk(settings, database, keys), clock=standing(NOW))
        yield Office(desk, await _pipelines(desk, keys))
    finally:
        await database.close()
        await keys.database.close()


async def _pipelines(desk: Desk, keys: KeyStore) -> dict[str, Pipeline]:
    made: dict[str, Pipeline] = {}
    vault = Vault("registration", keys, 30)
    for subscription in subscriptions(desk):
        # Business time is real time for the pipeline: the records' own times decide.
        pipeline = Pipeline(subscription, desk.database, clock=Clock(), limits=Limits(), vault=vault)
        name = subscription.topic.name
        topics = [f"{name}.{publisher}" for publisher in PUBLISHERS] if subscription.topic.is_intake else [name]
        async with desk.database.transaction() as tx:
            await pipeline.positions.start(tx, {(topic, 0): 0 for topic in topics})
        made[name] = pipeline
    return made
