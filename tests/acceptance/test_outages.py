"""Kafka and PostgreSQL away for a while under load: honest refusals, nothing accepted is lost, memory stays bounded."""

from __future__ import annotations

import asyncio
import os
import re
import time
from collections import Counter
from pathlib import Path

import aiohttp
import pytest

from rintis.testing.kafka import KafkaForTests
from rintis.testing.postgres import PostgresForTests
from shared.messaging.limits import MOST_RESIDENT_BYTES
from tests.acceptance.acceptance_stage import Person, System, people

pytestmark = pytest.mark.slow

KAFKA_AWAY = float(os.environ.get("RINTIS_OUTAGE_KAFKA_SECONDS", "20"))
POSTGRES_AWAY = float(os.environ.get("RINTIS_OUTAGE_POSTGRES_SECONDS", "10"))
"""A release is proved with 600 and 180."""
PAUSE_SECONDS = 0.1
HONEST = {202, 503}


class Load:
    """One caller who sends each registration again until it is accepted."""

    def __init__(self, system: System) -> None:
        self._system = system
        self._token = system.start.servers.secrets.tokens["kemnaker"]
        self.statuses: Counter[int] = Counter()
        self.accepted: list[int] = []
        self.is_over = False

    async def run(self) -> None:
        """Send until told that it is over."""
        number = 0
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=60)) as session:
            while not self.is_over:
                [person] = people(number + 1, seed=13)[number:]
                while not await self._send(session, person):  # noqa: ASYNC110 - a caller who comes back, waiting for nothing here
                    await asyncio.sleep(PAUSE_SECONDS)
                self.accepted.append(number)
                number += 1
                await asyncio.sleep(PAUSE_SECONDS)

    async def _send(self, session: aiohttp.ClientSession, person: Person) -> bool:
        headers = {"Authorization": f"Bearer {self._token}", "Idempotency-Key": f"outage-{person.number}"}
        body = person.registration().model_dump(mode="json", exclude_none=True)
        url = f"{self._system.processes['registration'].program.url}/registrations"
        async with session.post(url, json=body, headers=headers) as answer:
            self.statuses[answer.status] += 1
            assert answer.status != 503 or int(answer.headers["Retry-After"]) > 0
            return answer.status == 202


def resident(pid: int | None) -> int:
    """Return the most memory that a process has ever had resident, in bytes."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text("utf-8"))
    assert found
    return int(found[1]) * 1024


async def test_servers_that_are_away_cost_callers_time_and_nobody_a_registration(
    system: System, kafka: KafkaForTests, postgres: PostgresForTests
) -> None:
    system.up()
    load = Load(system)
    running = asyncio.create_task(load.run())
    await asyncio.to_thread(time.sleep, 3)
    await asyncio.to_thread(kafka.down)
    await asyncio.to_thread(time.sleep, KAFKA_AWAY)
    before = len(load.accepted)
    await asyncio.to_thread(kafka.up)
    await asyncio.to_thread(postgres.down)
    await asyncio.to_thread(time.sleep, POSTGRES_AWAY)
    await asyncio.to_thread(postgres.up)
    await asyncio.to_thread(time.sleep, 3)
    load.is_over = True
    await running
    memory = {name: resident(process.pid) for name, process in system.processes.items()}
    verdict = await system.drained(len(load.accepted), within=300)

    assert before > 0
    assert set(load.statuses) <= HONEST
    assert load.statuses[503] > 0
    assert verdict.is_clean, verdict.as_dict()
    assert await system.count("eligibility", "select count(*) from workers") == len(load.accepted)
    assert max(memory.values()) < MOST_RESIDENT_BYTES, memory
