"""A service that hears the intake and itself, for tests of the whole way of an event."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from aiokafka import AIOKafkaProducer

from rintis.runtime.ports import free_port
from shared.contracts.envelope import Envelope, headers_of
from shared.contracts.intake import RegistrationSubmitted
from shared.contracts.registration import WorkerRegistered
from shared.contracts.topics import INTAKE_REGISTRATIONS, WORKERS
from shared.errors import Fatal
from shared.messaging import Subscription
from shared.service import Service, ServiceSettings
from shared.storage import Outbox
from shared.testing import eventually
from tests.integration.messaging.messaging_stage import INTAKE_TOPIC, Stage, Ward, a_registration


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
        """Start the service and return once it is ready, or stops for a reason."""
        await self.start_up()
        await eventually(
            lambda: self._service and (self._service.state.waits_for is None or self.failure), what="the service being ready"
        )

    async def start_up(self) -> None:
        """Start the service."""
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

    async def stop(self) -> None:
        if self._service and self._running:
            self._service.stop()
            await self._running
            await self.stage.database.open()
            await self.stage.keys.database.open()

    async def send(self, references: Sequence[str]) -> None:
        producer = AIOKafkaProducer(bootstrap_servers=self._bootstrap)
        await producer.start()
        for reference in references:
            envelope = Envelope(reference, "https://kemnaker.example", RegistrationSubmitted.TYPE, datetime.now(UTC))
            await producer.send(INTAKE_TOPIC, a_registration(reference), key=reference.encode(), headers=headers_of(envelope))
        await producer.stop()

    async def trim(self, *, hours: float) -> int:
        """Let the intake's reader delete what it handled so long ago; return how many records that were."""
        assert self._service
        reader = self._service.state.readers[0]
        reader._limits = replace(reader._limits, intake_hours=hours)
        client = reader.subscriber.consumer
        partitions = list(client.assignment())
        before = await client.beginning_offsets(partitions)
        await reader.trim()
        after = await client.beginning_offsets(partitions)
        return sum(after[tp] - before[tp] for tp in partitions)

    @property
    def failure(self) -> Fatal | None:
        """What the service stops for."""
        return self._service._failure if self._service else None

    async def fails(self) -> Fatal:
        """Return what the service stops for, once it does."""
        await eventually(lambda: self.failure is not None, within=60, what="the service stopping with a reason")
        assert self.failure is not None
        return self.failure

    def has(self, effects: int) -> Callable[[], Awaitable[bool]]:
        async def check() -> bool:
            return len(await self.stage.notes()) == effects

        return check

    def has_registered(self, registrations: int) -> Callable[[], Awaitable[bool]]:
        async def check() -> bool:
            return (await self.stage.notes()).count("Siti") == registrations

        return check

    async def finds(self, sql: str, rows: list[dict[str, object]]) -> bool:
        """Whether a query finds these rows."""
        return await self.stage.rows(sql) == rows
