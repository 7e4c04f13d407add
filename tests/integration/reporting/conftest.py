"""IOMKI supervision on fresh databases, without and with Kafka, for each test that asks."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import asyncpg
import pytest
import pytest_asyncio
from aiokafka import AIOKafkaProducer

from rintis.testing.environment import Servers, ServiceStarter
from shared.clock import Clock
from tests.integration.reporting.reporting_setup import MONDAY, Office, open_office
from tests.integration.reporting.reporting_world import World


@pytest_asyncio.fixture
async def office(databases: dict[str, str]) -> AsyncIterator[Office]:
    """Use cases and consumers without Kafka."""
    async with open_office(databases) as opened:
        yield opened


@pytest.fixture
def clock() -> Clock:
    """A business clock that runs as fast as the real one, from Monday morning on."""
    return Clock(MONDAY, datetime.now(UTC))


@pytest_asyncio.fixture
async def world(
    clock: Clock, start_service: ServiceStarter, environment: dict[str, str], servers: Servers
) -> AsyncIterator[World]:
    """The service as a process; a test module may bring a clock of its own."""
    variables = {"RINTIS_CLOCK": str(clock)}
    bootstrap = environment["KAFKA_BOOTSTRAP_SERVERS"]
    process = start_service("reporting", variables)
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all")
    await producer.start()
    database = await asyncpg.connect(environment["DATABASE_URL_REPORTING"])
    yield World(clock, bootstrap, start_service, process, servers.secrets.tokens["siinas"], producer, database, variables)
    await database.close()
    await producer.stop()
