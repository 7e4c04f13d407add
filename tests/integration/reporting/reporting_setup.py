"""What the integration tests of IOMKI supervision share: use cases on a real database, clocks that stand, and news to hear."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from services.reporting.app import make_desk
from services.reporting.consumers import subscriptions
from services.reporting.handlers.deadlines import close_periods, fill_ahead
from services.reporting.handlers.desk import Desk
from services.reporting.handlers.filings import settle_waiting
from services.reporting.settings import Settings
from shared.clock import Clock
from shared.contracts.envelope import Envelope, Event, headers_of
from shared.contracts.intake import CompanyContact, FilingSubmitted, PermitIssued
from shared.messaging import Limits
from shared.messaging.pipeline import Pipeline
from shared.messaging.records import StoredRecord
from shared.messaging.vault import Vault
from shared.security import KeyStore
from shared.storage import Database

TUESDAY = date(2021, 8, 3)
FRIDAY = date(2021, 8, 6)
NUMBER = "IOMKI-0001"
CONTACT = CompanyContact(name="Sari Wulandari", phone="+6281234567890", email="sari@pabrik.example")
CONSUMERS = ("reporting.permits", "reporting.filings")
GATE = (
    "insert into gate (consumer, topic, key, next_at, attempts, reason, opened_at)"
    " values ($1, $2, $3, clock_timestamp(), 1, 'test', clock_timestamp()) returning key"
)
"""Makes a key wait."""
_IDS = itertools.count(1)


def wib(text: str) -> datetime:
    """Return an instant given as local time of Jakarta."""
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("Asia/Jakarta")).astimezone(UTC)


MONDAY = wib("2021-08-02T08:00")
"""The day before the first due day."""


def issued(number: str = NUMBER, **changes: Any) -> PermitIssued:
    """Return news of an issued permit."""
    values: dict[str, Any] = {
        "permit_number": number,
        "company": "PT Pabrik Sari Rasa",
        "nib": "9120001234567",
        "kbli": "10710",
        "regency": "32.73",
        "workers": 100,
        "contact": CONTACT,
        "issued_on": date(2021, 7, 1),
    }
    return PermitIssued(**{**values, **changes})


def submitted(due_on: date = TUESDAY, number: str = NUMBER, **changes: Any) -> FilingSubmitted:
    """Return a report on the 2021 form that every check passes."""
    values: dict[str, Any] = {
        "permit_number": number,
        "reference": f"ref-{next(_IDS)}",
        "due_on": due_on,
        "form": "2021-v1",
        "employees_total": 100,
        "employees_on_site": 40,
        "has_screening": True,
        "has_protocol_sop": True,
        "vaccinated": 60,
        "pcr_tests": 0,
        "antigen_tests": 5,
        "is_declared_true": True,
    }
    return FilingSubmitted(**{**values, **changes})


@dataclass
class Office:
    """The service without Kafka: records go through the consumers' own pipelines, time is told to each use case."""

    desk: Desk
    pipelines: Mapping[str, Pipeline]
    offsets: Counter[str] = field(default_factory=Counter)

    async def hear(self, *events: Event, at: datetime = MONDAY, ids: Sequence[str] = (), publisher: str = "siinas") -> list[str]:
        """Settle records as if the broker had them since `at`; return the ids that they carry."""
        given = list(ids) or [f"id-{next(_IDS)}" for _ in events]
        for event, id_ in zip(events, given, strict=True):
            pipeline = self.pipelines[event.TOPIC]
            await pipeline.process([self._record(event, id_, at, publisher)])
        return given

    def _record(self, event: Event, id_: str, at: datetime, publisher: str) -> StoredRecord:
        headers = headers_of(Envelope(id_, "/siinas", event.TYPE, at))
        topic = f"{event.TOPIC}.{publisher}"
        offset = self.offsets[topic]
        self.offsets[topic] += 1
        body = event.model_dump_json().encode()
        return StoredRecord(topic, 0, offset, int(at.timestamp() * 1000), event.key().encode(), body, headers)

    def at(self, when: datetime) -> Desk:
        """Return the desk at another time."""
        return replace(self.desk, clock=standing(when))

    async def fill(self, when: datetime = MONDAY) -> None:
        """Fill the ledgers ahead."""
        while await fill_ahead(self.at(when), ahead=timedelta(days=28), refill=timedelta(days=21)):
            pass

    async def close(self, when: datetime) -> None:
        """Close every period whose deadline lies before `when`, and settle what waited for that."""
        while await close_periods(self.at(when), when, CONSUMERS):
            pass
        while await settle_waiting(self.at(when)):
            pass

    async def rows(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """Return what the database holds."""
        async with self.desk.database.connection() as connection:
            return [tuple(row) for row in await connection.fetch(statement, *values)]

    async def ledger(self, number: str = NUMBER) -> dict[date, str]:
        """Return the state of each period of a permit."""
        statement = (
            "select due_on, e.state from expected_filings e join permits using (permit_id) where number = $1 order by due_on"
        )
        return dict(await self.rows(statement, number))

    async def said(self) -> list[str]:
        """Return the types of everything in the outbox, in order, without prefix and version."""
        rows = await self.rows("select type from outbox order by id")
        return [type_.removeprefix("id.rintis.reporting.").removesuffix(".v1") for (type_,) in rows]


class Reached:
    """A watermark that says what it is told."""

    def __init__(self, *instants: datetime | None) -> None:
        self.instants = list(instants)

    async def advance(self) -> datetime | None:
        return self.instants.pop(0) if self.instants else None


def standing(at: datetime) -> Clock:
    """Return a clock that stands still."""
    return Clock(at, datetime(2000, 1, 1, tzinfo=UTC), 0.0)


@asynccontextmanager
async def open_office(variables: Mapping[str, str]) -> AsyncIterator[Office]:
    """Lend the service's use cases and consumers on fresh databases, on Monday morning."""
    settings = Settings.model_validate(dict(variables))
    database = Database(settings.database_url, name="reporting test")
    keys = KeyStore(Database(settings.company_keys_database_url, name="keys test"), settings.masters("company", "record"))
    await database.open()
    await keys.database.open()
    try:
        desk = replace(make_desk(settings, database, keys), clock=standing(MONDAY))
        yield Office(desk, await _pipelines(desk, keys))
    finally:
        await database.close()
        await keys.database.close()


async def _pipelines(desk: Desk, keys: KeyStore) -> dict[str, Pipeline]:
    made: dict[str, Pipeline] = {}
    vault = Vault("reporting", keys, 30)
    for subscription in subscriptions(desk):
        # Business time is real time for the pipeline: the records' own times decide.
        pipeline = Pipeline(subscription, desk.database, clock=Clock(), limits=Limits(), vault=vault)
        topics = (
            [f"{subscription.topic.name}.{p}" for p in ("siinas", "oss")]
            if subscription.topic.is_intake
            else [subscription.topic.name]
        )
        async with desk.database.transaction() as tx:
            await pipeline.positions.start(tx, {(topic, 0): 0 for topic in topics})
        made[subscription.topic.name] = pipeline
    return made
