import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from aiokafka import AIOKafkaProducer

from rintis.runtime.ports import free_port
from shared.contracts.envelope import Envelope, Event, headers_of
from shared.contracts.intake import RegistrationSubmitted
from shared.contracts.topics import INTAKE_REGISTRATIONS
from shared.messaging import Limits, Received, Subscription
from shared.service import Service, ServiceSettings
from shared.storage import Tx
from shared.testing import eventually
from tests.integration.messaging.messaging_stage import DEAD, Stage, Ward, a_registration, a_stage

LIMIT = 20
LIMITS = Limits(set_aside_records=LIMIT, set_aside_share=0.1, stops_seconds=0.1)
BAD, GOOD = "intake.registrations.kemnaker", "intake.registrations.dinas"
TOKEN = "an operator's token"


@dataclass
class Deploy(Ward):
    """A handler that rejects what a publisher's topic brings, until it is repaired."""

    rejects: set[str] = field(default_factory=set)

    async def apply(self, tx: Tx, batch: Sequence[Received[Event]], prepared: object) -> None:
        if any(received.topic in self.rejects or received.key.startswith("bad") for received in batch):
            raise DEAD
        await super().apply(tx, batch, prepared)


class Office:
    """A running service with its doors."""

    def __init__(self, environment: dict[str, str], stage: Stage, folder: Path) -> None:
        self.stage, self.deploy, self.port = stage, Deploy(), free_port()
        self._bootstrap = environment["KAFKA_BOOTSTRAP_SERVERS"]
        callers = [
            {"person": "ana", "roles": ["operator"], "regions": ["*"], "token_sha256": hashlib.sha256(TOKEN.encode()).hexdigest()}
        ]
        self._callers = folder / "callers.json"
        self._callers.write_text(json.dumps(callers))

    async def start(self) -> None:
        settings = ServiceSettings(kafka_bootstrap_servers=self._bootstrap, http_port=self.port, callers_file=self._callers)
        subscription = Subscription("registration", "registrations", INTAKE_REGISTRATIONS, {RegistrationSubmitted: self.deploy})
        self._service = Service(
            "registration",
            settings,
            database=self.stage.database,
            subscriptions=[subscription],
            key_stores=[self.stage.keys],
            record_keys=self.stage.keys,
            limits=LIMITS,
        )
        self._running = asyncio.create_task(self._service.serve())
        await eventually(lambda: self._service.state.waits_for is None, within=60, what="the service being ready")

    async def stop(self) -> None:
        self._service.stop()
        await self._running
        await self.stage.database.open()
        await self.stage.keys.database.open()

    async def send(self, topic: str, references: Sequence[str]) -> None:
        async with AIOKafkaProducer(bootstrap_servers=self._bootstrap) as producer:
            for reference in references:
                envelope = Envelope(f"{topic}-{reference}", "https://x.example", RegistrationSubmitted.TYPE, datetime.now(UTC))
                await producer.send(topic, a_registration(reference, topic), key=reference.encode(), headers=headers_of(envelope))

    async def call(self, method: str, path: str, **options: Any) -> httpx.Response:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{self.port}") as client:
            return await client.request(method, path, headers={"Authorization": f"Bearer {TOKEN}"}, **options)

    async def handled(self, topic: str) -> int:
        return (await self.stage.notes()).count(topic)

    async def dead(self) -> int:
        return len(await self.stage.rows("select 1 from dead_letters"))

    async def has_stopped(self) -> bool:
        return (await self.call("GET", "/health/consumers")).status_code == 503


@pytest.fixture
async def office(environment: dict[str, str], tmp_path: Path) -> AsyncIterator[Office]:
    async with a_stage(environment) as stage:
        office = Office(environment, stage, tmp_path)
        await office.start()
        yield office
        await office.stop()


async def test_a_handler_that_rejects_everything_stops_at_the_limit_and_goes_on_once_it_is_repaired(office: Office) -> None:
    office.deploy.rejects = {BAD}
    await office.send(BAD, [f"r{n}" for n in range(300)])
    await eventually(office.has_stopped, within=60, what="the consumer stopping")
    await office.send(GOOD, [f"r{n}" for n in range(50)])

    async def others_go_on() -> bool:
        return await office.handled(GOOD) == 50

    assert await eventually(others_go_on, within=60, what="the other publisher's records being handled")
    assert await office.dead() <= LIMIT
    ready, live = await office.call("GET", "/health/ready"), await office.call("GET", "/health/live")
    assert (ready.status_code, live.status_code) == (200, 200)
    assert f"{BAD} is not read: too_much_set_aside" in ready.json()["stopped"][0]
    assert (
        f'rintis_consumer_stopped{{consumer="registration.registrations",reason="too_much_set_aside",topic="{BAD}"}} 1.0'
        in (await office.call("GET", "/metrics")).text
    )

    async def is_told() -> list[Any]:
        stops: list[Any] = (await office.call("GET", "/operations/stops")).json()["stops"]
        return stops

    assert [stop["topic"] for stop in await eventually(is_told, what="the stop being told")] == [BAD]
    dead = await office.dead()
    office.deploy.rejects = set()
    body = {"consumer": "registration.registrations", "why": "the handler was repaired"}
    assert (await office.call("POST", "/operations/stops/resume", json=body)).json()["resumed"]

    async def goes_on() -> bool:
        return await office.handled(BAD) == 300 - dead

    assert await eventually(goes_on, within=60, what="everything else being handled")
    assert await office.dead() == dead
    assert not await office.has_stopped()
    assert (await office.call("GET", "/operations/stops")).json() == {"stops": []}


async def test_a_restart_after_the_repair_reads_on_where_it_stopped(office: Office) -> None:
    office.deploy.rejects = {BAD}
    await office.send(BAD, [f"r{n}" for n in range(100)])
    await eventually(office.has_stopped, within=60, what="the consumer stopping")
    await office.stop()
    office.deploy.rejects = set()
    dead = await office.dead()
    await office.start()

    async def goes_on() -> bool:
        return await office.handled(BAD) == 100 - dead

    assert await eventually(goes_on, within=60, what="everything else being handled")
    assert dead <= LIMIT


async def test_one_poisonous_record_in_a_hundred_stops_nothing(office: Office) -> None:
    await office.send(GOOD, [f"{'bad' if n % 100 == 50 else 'r'}{n}" for n in range(3_000)])

    async def all_done() -> bool:
        return await office.handled(GOOD) == 2_970

    assert await eventually(all_done, within=120, what="everything good being handled")
    assert await office.dead() == 30
    assert not await office.has_stopped()


async def test_a_flood_of_rubbish_from_one_publisher_stops_nobody_not_even_itself(office: Office) -> None:
    async with AIOKafkaProducer(bootstrap_servers=office._bootstrap) as producer:
        for n in range(300):
            await producer.send(BAD, b"{oops", key=f"x{n}".encode())
    await office.send(BAD, ["late"])
    await office.send(GOOD, ["other"])

    async def all_done() -> bool:
        return (await office.handled(BAD), await office.handled(GOOD)) == (1, 1)

    assert await eventually(all_done, within=60, what="what is good being handled")
    assert await office.dead() == 300
    assert not await office.has_stopped()
