"""The service as a process, on real Kafka and PostgreSQL, through a week of business time in some seconds."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest
import pytest_asyncio
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from rintis.testing.environment import Servers, ServiceStarter
from shared.clock import Clock
from shared.contracts.envelope import Envelope, Event, headers_of
from shared.contracts.notification import MessageSent
from shared.testing import eventually
from tests.integration.reporting.reporting_setup import FRIDAY, MONDAY, TUESDAY, issued, submitted, wib

pytestmark = pytest.mark.servers

FACTOR = 40_000.0
"""A week of business time in fifteen seconds."""
HEAD_START = timedelta(seconds=8)
"""Real time until the business clock reads Monday morning: for the start of the process."""
READ_SECONDS = 10.0
"""Longest wait for an event of a topic."""


@dataclass
class World:
    """A running service with what publishes to it, watches it and reads its topics."""

    clock: Clock
    bootstrap: str
    url: str
    token: str
    producer: AIOKafkaProducer
    database: asyncpg.Connection[asyncpg.Record]
    ids: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    async def until(self, local: str) -> None:
        """Wait until the business clock reads this local time."""
        await eventually(lambda: self.clock.now() >= wib(local), within=60, what=f"business time {local}")

    async def publish(self, *events: Event) -> None:
        """Send events as SIINas would."""
        for event in events:
            headers = headers_of(Envelope(f"id-{next(self.ids)}", "/siinas", event.TYPE, self.clock.now()))
            body = event.model_dump_json().encode()
            await self.producer.send_and_wait(f"{event.TOPIC}.siinas", body, key=event.key().encode(), headers=headers)

    async def ledger(self) -> dict[tuple[str, str], str]:
        """Return the state of each period of each permit, by number and due day."""
        rows = await self.database.fetch(
            "select number, due_on, e.state from expected_filings e join permits using (permit_id) order by 1, 2"
        )
        return {(row["number"], f"{row['due_on']:%d %b}"): row["state"] for row in rows}

    async def read(self, topic: str, count: int) -> list[tuple[str, dict[str, Any], UUID]]:
        """Return the first events of a topic: kind, data and id."""
        consumer = AIOKafkaConsumer(topic, bootstrap_servers=self.bootstrap, auto_offset_reset="earliest")
        await consumer.start()
        try:
            async with asyncio.timeout(READ_SECONDS):
                records = [await consumer.getone() for _ in range(count)]
        finally:
            await consumer.stop()
        return [_read(record) for record in records]


def _read(record: Any) -> tuple[str, dict[str, Any], UUID]:
    headers = dict(record.headers)
    return headers["ce_type"].decode().split(".")[-2], json.loads(record.value), UUID(headers["ce_id"].decode())


@pytest_asyncio.fixture
async def world(start_service: ServiceStarter, environment: dict[str, str], servers: Servers) -> AsyncIterator[World]:
    """The service on a clock that runs 40,000 times as fast."""
    clock = Clock(MONDAY, datetime.now(UTC) + HEAD_START, FACTOR)
    bootstrap = environment["KAFKA_BOOTSTRAP_SERVERS"]
    process = start_service("reporting", {"RINTIS_CLOCK": str(clock)})
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all")
    await producer.start()
    database = await asyncpg.connect(environment["DATABASE_URL_REPORTING"])
    url = f"http://127.0.0.1:{process.program.port}"
    yield World(clock, bootstrap, url, servers.secrets.tokens["siinas"], producer, database)
    await database.close()
    await producer.stop()


async def test_a_week_of_reports_ends_as_filed_late_and_missed(world: World) -> None:
    await world.until("2021-08-02T08:00")
    await world.publish(*(issued(number) for number in ("P-1", "P-2", "P-3")))
    await world.publish(*(submitted(TUESDAY, number) for number in ("P-1", "P-2", "P-404")))
    await world.publish(submitted(TUESDAY, "P-3", employees_on_site=500))
    await world.until("2021-08-04T06:00")
    await world.publish(submitted(FRIDAY, "P-1"), submitted(TUESDAY, "P-3"))

    async def week_is_over() -> bool:
        ledger = await world.ledger()
        return [ledger.get((f"P-{n}", day)) for n in (1, 2, 3) for day in ("03 Aug", "06 Aug")] == [
            *("filed", "filed"),
            *("filed", "missed"),
            *("late", "missed"),
        ]

    await eventually(week_is_over, within=60, what="the ledger of the week")
    refused = "select exists (select from filings where state = 'refused' and permit_number = 'P-404')"
    await eventually(lambda: world.database.fetchval(refused), what="the refusal of the report without a permit")
    events = await world.read("reporting.filings", 8)
    p3 = [kind for kind, data, _ in events if data["permit_number"] == "P-3"]
    assert p3[:3] == ["returned", "missed", "accepted"]
    warned = await world.read("reporting.sanctions", 3)
    assert {(data["permit_number"], data["number"]) for _, data, _ in warned} >= {("P-2", 1), ("P-3", 1), ("P-3", 2)}


async def test_the_fate_of_a_message_is_kept_beside_what_it_tells_of(world: World) -> None:
    await world.publish(issued("P-1"), submitted(TUESDAY, "P-1", is_declared_true=False))
    ((_, data, event_id),) = await world.read("reporting.filings", 1)
    for sequence, about in enumerate((event_id, uuid4()), start=1):
        sent = MessageSent(
            subject_id=UUID(data["permit_id"]), message_id=uuid4(), about=about, template="filing_returned", channel="email"
        )
        headers = headers_of(Envelope(str(uuid4()), "/rintis/notification", sent.TYPE, world.clock.now(), sequence))
        await world.producer.send_and_wait(sent.TOPIC, sent.model_dump_json().encode(), key=sent.key().encode(), headers=headers)
    told = "select message_state from notices where event_id = $1"
    await eventually(lambda: world.database.fetchval(told, event_id), what="the message's state")


async def test_a_report_over_http_reaches_the_topic(world: World) -> None:
    await world.until("2021-08-02T08:00")
    await world.publish(issued("P-1"))
    await eventually(lambda: world.database.fetchval("select exists (select from permits)"), what="the permit")
    async with httpx.AsyncClient(base_url=world.url, headers={"Authorization": f"Bearer {world.token}"}) as client:
        answer = await client.post("/filings", json=submitted(TUESDAY, "P-1").model_dump(mode="json"))
        overview = await client.get("/operations/overview")
    assert (answer.status_code, answer.json()["state"]) == (202, "accepted")
    assert overview.json()["counts"]["filings_accepted"] == 1
    ((kind, data, _),) = await world.read("reporting.filings", 1)
    assert (kind, data["filing_id"]) == ("accepted", answer.json()["filing_id"])
