"""Pytest fixtures: real servers once per session, fresh databases and topics for each test that asks."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Awaitable, Callable, Iterator, Mapping
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer

from rintis.runtime.apart import run_apart
from rintis.runtime.databases import Databases
from rintis.runtime.people import local_people
from rintis.runtime.secrets import Secrets, load_secrets
from rintis.runtime.state import State
from rintis.testing.environment import Servers, ServiceStarter, settings_of_all
from rintis.testing.kafka import PUBLISHERS, EmbeddedKafka, KafkaForTests, fresh_topics
from rintis.testing.postgres import DatabasePool, EmbeddedPostgres, PostgresForTests

Publish = Callable[..., Awaitable[None]]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test that uses a server, so that `-m "not servers"` is true to its word."""
    for item in items:
        if {"kafka", "postgres"} & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.servers)


@pytest.fixture(scope="session")
def state() -> Iterator[State]:
    """A state folder of this test run, removed with what still runs from it."""
    folder = Path(tempfile.mkdtemp(prefix="rintis-test-"))
    state = State(folder)
    with state.hold():
        yield state
        state.end_leftovers()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def secrets(state: State) -> Secrets:
    """Keys, passwords and tokens of this test run."""
    return load_secrets(state, local_people(PUBLISHERS))


@pytest.fixture(scope="session")
def kafka(state: State) -> Iterator[KafkaForTests]:
    """A running broker: `bootstrap`, `up()`, `down()`, `kill()`, `pause()`, `resume()`."""
    if _in_containers():
        from rintis.testing.containers import ContainerKafka  # noqa: PLC0415 - needs Docker, the default does not

        container = ContainerKafka()
        container.up()
        yield container
        container.remove()
        return
    broker = EmbeddedKafka(state)
    broker.up()
    yield broker
    broker.resume()
    broker.kill()


@pytest.fixture(scope="session")
def postgres(state: State, secrets: Secrets) -> Iterator[PostgresForTests]:
    """A running server: `url` of its administrator, `up()`, `down()`, `kill()`."""
    if _in_containers():
        from rintis.testing.containers import ContainerPostgres  # noqa: PLC0415 - needs Docker, the default does not

        container = ContainerPostgres(secrets)
        container.up()
        yield container
        container.remove()
        return
    server = EmbeddedPostgres(state, secrets)
    server.up()
    yield server
    server.kill()
    server.remove()


@pytest.fixture(scope="session")
def servers(state: State, secrets: Secrets, kafka: KafkaForTests, postgres: PostgresForTests) -> Servers:
    """Both servers and what opens them."""
    return Servers(state, secrets, kafka, postgres)


@pytest.fixture(scope="session")
def database_pool(postgres: PostgresForTests, secrets: Secrets) -> DatabasePool:
    """What hands out emptied databases."""
    return DatabasePool(postgres, secrets)


@pytest.fixture
def database_set(postgres: PostgresForTests, database_pool: DatabasePool) -> Databases:
    """A set of databases with the tables of every service, empty."""
    postgres.up()
    return run_apart(database_pool.take())


@pytest.fixture
def databases(database_set: Databases, secrets: Secrets) -> dict[str, str]:
    """Every variable that services read, with fresh migrated databases and no Kafka behind the address."""
    return settings_of_all(database_set, secrets, "127.0.0.1:1")


@pytest.fixture
def environment(servers: Servers, database_set: Databases) -> dict[str, str]:
    """Every variable that services read, with fresh migrated databases and every topic of the contracts, empty."""
    servers.kafka.up()
    fresh_topics(servers.kafka.bootstrap)
    return settings_of_all(database_set, servers.secrets, servers.kafka.bootstrap)


@pytest.fixture
def start_service(servers: Servers, environment: dict[str, str], database_set: Databases) -> Iterator[ServiceStarter]:
    """Start services as processes: `start_service("eligibility", {"RINTIS_CLOCK": …})`; stopped at the test's end."""
    starter = ServiceStarter(servers, database_set, {"KAFKA_BOOTSTRAP_SERVERS": environment["KAFKA_BOOTSTRAP_SERVERS"]})
    yield starter
    starter.stop_all()


@pytest.fixture
def publish(environment: dict[str, str]) -> Publish:
    """What sends one record as an outside system would: topic, value, `key=` and `headers=`, awaited."""

    async def send(
        topic: str, value: bytes | None, *, key: bytes | None = None, headers: Mapping[str, bytes] | None = None
    ) -> None:
        producer = AIOKafkaProducer(bootstrap_servers=environment["KAFKA_BOOTSTRAP_SERVERS"], acks="all")
        await producer.start()
        try:
            await producer.send_and_wait(topic, value, key=key, headers=list((headers or {}).items()))
        finally:
            await producer.stop()

    return send


def _in_containers() -> bool:
    return os.environ.get("RINTIS_TEST_SERVERS") == "containers"
