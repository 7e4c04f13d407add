"""Services that are started before their servers wait, and say for what."""

import asyncio
from collections.abc import Iterator

import httpx
import pytest

from rintis.runtime.databases import SERVICES
from rintis.runtime.processes import Process
from rintis.testing.kafka import KafkaForTests
from rintis.testing.postgres import PostgresForTests
from shared.testing import eventually
from tests.acceptance.acceptance_stage import System, people

pytestmark = [pytest.mark.servers, pytest.mark.slow, pytest.mark.timeout(400)]

START_SECONDS = 60
"""For four processes to answer, on a busy machine."""


@pytest.fixture
def servers_away(system: System, kafka: KafkaForTests, postgres: PostgresForTests) -> Iterator[System]:
    """Stop both servers once the test has its databases; whatever it does, they are up for the next one."""
    kafka.down()
    postgres.down()
    yield system
    postgres.up()
    kafka.up()


async def test_services_started_before_their_servers_say_what_they_wait_for_and_then_work(
    servers_away: System, kafka: KafkaForTests, postgres: PostgresForTests
) -> None:
    system = servers_away
    starting = asyncio.create_task(asyncio.to_thread(system.up))

    await waiting_for(system, "PostgreSQL (")
    await asyncio.to_thread(postgres.up)
    await waiting_for(system, f"Kafka ({kafka.bootstrap})")
    await asyncio.to_thread(kafka.up)
    await starting
    await system.send([person.registration() for person in people(20)])

    verdict = await system.drained(20)
    assert verdict.is_clean, verdict.as_dict()


async def waiting_for(system: System, what: str) -> None:
    """Wait until every service says that it is not ready, and that this is what it waits for."""

    async def all_do() -> bool:
        said = [await ask(process) for process in list(system.processes.values())]
        return len(said) == len(SERVICES) and all(status == 503 and text.startswith(what) for status, text in said)

    await eventually(all_do, within=START_SECONDS, what=f"every service waiting for {what}")


async def ask(process: Process) -> tuple[int, str]:
    """Return a service's answer and what it waits for; nothing where it does not answer yet."""
    async with httpx.AsyncClient() as client:
        try:
            answer = await client.get(process.program.url + "/health/ready")
        except httpx.HTTPError:
            return 0, ""
    return answer.status_code, answer.json()["waits_for"] or ""
