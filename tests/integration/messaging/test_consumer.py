import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime

import pytest
from aiokafka import AIOKafkaProducer

from rintis.runtime.ports import free_port
from shared.contracts.envelope import Envelope, headers_of
from shared.contracts.intake import RegistrationSubmitted
from shared.contracts.registration import WorkerRegistered
from shared.contracts.topics import INTAKE_REGISTRATIONS, WORKERS
from shared.messaging import Subscription
from shared.service import Service, ServiceSettings
from shared.storage import Outbox
from shared.testing import eventually
from tests.integration.messaging.messaging_stage import INTAKE_TOPIC, Stage, Ward, a_registration, a_stage

GO_BACK = """
with kept as (
  update progress set last_offset = next_offset, next_offset = greatest(0, next_offset - 5)
  where consumer = 'registration.registrations' returning last_offset - next_offset as records
)
select sum(records)::int as records from kept
"""


class Pair:
    """A service that hears the intake and itself: the shortest full way of an event."""

    def __init__(self, environment: dict[str, str], stage: Stage) -> None:
        self.stage = stage
        self.heard = Ward()
        stage.ward.outbox = Outbox("registration")
        self._bootstrap = environment["KAFKA_BOOTSTRAP_SERVERS"]
        self._service: Service | None = None
        self._running: asyncio.Task[None] | None = None

    async def start(self) -> None:
        settings = ServiceSettings(kafka_bootstrap_servers=self._bootstrap, http_port=free_port())
        self._service = Service(
            "registration",
            settings,
            database=self.stage.database,
            subscriptions=[
                Subscription("registration", "registrations", INTAKE_REGISTRATIONS, {RegistrationSubmitted: self.stage.ward}),
                Subscription("registration", "workers", WORKERS, {WorkerRegistered: self.heard}),
            ],
            key_stores=[self.stage.keys],
            record_keys=self.stage.keys,
        )
        self._running = asyncio.create_task(self._service.serve())
        await eventually(lambda: self._service and self._service.state.waits_for is None, what="the service being ready")

    async def stop(self) -> None:
        if self._service and self._running:
            self._service.stop()
            await self._running
            await self.stage.database.open()
            await self.stage.keys.database.open()

    async def send(self, references: list[str]) -> None:
        producer = AIOKafkaProducer(bootstrap_servers=self._bootstrap)
        await producer.start()
        for reference in references:
            envelope = Envelope(reference, "https://kemnaker.example", RegistrationSubmitted.TYPE, datetime.now(UTC))
            await producer.send(INTAKE_TOPIC, a_registration(reference), key=reference.encode(), headers=headers_of(envelope))
        await producer.stop()

    def has(self, effects: int) -> Callable[[], Awaitable[bool]]:
        async def check() -> bool:
            return len(await self.stage.notes()) == effects

        return check

    def has_registered(self, registrations: int) -> Callable[[], Awaitable[bool]]:
        async def check() -> bool:
            is_read = not await self.stage.rows("select 1 from progress where next_offset < last_offset")
            return is_read and (await self.stage.notes()).count("Siti") == registrations > 0

        return check


@pytest.fixture
async def pair(environment: dict[str, str]) -> AsyncIterator[Pair]:
    async with a_stage(environment) as stage:
        pair = Pair(environment, stage)
        yield pair
        await pair.stop()


async def test_events_go_from_the_intake_through_the_outbox_to_their_hearer(pair: Pair) -> None:
    await pair.start()
    await pair.send([f"r{number}" for number in range(200)])

    assert await eventually(pair.has(400), what="both sides having handled everything")


async def test_on_assignment_a_consumer_reads_on_where_the_database_says_whatever_kafka_has_committed(pair: Pair) -> None:
    await pair.start()
    await pair.send([f"r{number}" for number in range(100)])
    await eventually(pair.has(200), what="everything being handled")
    await pair.stop()
    await pair.stage.rows("alter table progress add column last_offset bigint")
    await pair.stage.rows("truncate effects")
    moved = await pair.stage.rows(GO_BACK)
    await pair.stage.rows("truncate seen")
    await pair.start()

    assert await eventually(pair.has_registered(int(str(moved[0]["records"]))), what="exactly the difference being read again")
