"""Every service is restarted under load, one process after the other, and clients of the doors notice nothing but a pause."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from dataclasses import dataclass, field

import aiohttp
import pytest

from rintis.runtime.databases import SERVICES
from rintis.runtime.processes import Process
from shared.messaging import Limits
from shared.service.service import HTTP_DRAIN_SECONDS, RELAY_DRAIN_SECONDS
from shared.testing import eventually
from tests.acceptance.acceptance_stage import Person, System, people

pytestmark = pytest.mark.slow

REGISTRATIONS = int(os.environ.get("RINTIS_ROLLING_REGISTRATIONS", "150"))
ROUNDS = int(os.environ.get("RINTIS_ROLLING_ROUNDS", "2"))
PATIENCE_SECONDS = 120.0
"""How long a client goes on asking: a client that honours Retry-After does not give up in the middle of a restart."""
STOP_BOUND = HTTP_DRAIN_SECONDS + Limits().drain_seconds + RELAY_DRAIN_SECONDS
"""The named bounds of a graceful stop, one after the other."""


@dataclass
class Client:
    """Sends registrations to one of two addresses; a refused connection is an error unless the other address answers."""

    addresses: list[str]
    token: str
    errors: list[str] = field(default_factory=list)
    answers: list[float] = field(default_factory=list)
    """When each registration was accepted."""

    async def send(self, session: aiohttp.ClientSession, person: Person) -> None:
        """Send one registration until it is accepted, as Retry-After says."""
        headers = {"Authorization": f"Bearer {self.token}", "Idempotency-Key": f"rolling-{person.number}"}
        body = person.registration().model_dump(mode="json", exclude_none=True)
        end = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < end:
            refused = 0
            for address in self.addresses:
                try:
                    async with session.post(f"{address}/registrations", json=body, headers=headers) as answer:
                        if answer.status == 202:
                            self.answers.append(time.monotonic())
                            return
                        pause = answer.headers.get("Retry-After")
                        if pause is None:
                            self.errors.append(f"{answer.status} without Retry-After")
                            return
                        await asyncio.sleep(min(float(pause), 1.0))
                        break
                except aiohttp.ClientError as error:
                    refused += 1
                    if refused == len(self.addresses):
                        self.errors.append(f"no address answers: {type(error).__name__}")
        self.errors.append("never accepted")

    def longest_stall(self) -> float:
        """Return the longest time without an accepted registration, in seconds."""
        return max((after - before for before, after in zip(self.answers, self.answers[1:], strict=False)), default=0.0)


async def test_a_rolling_restart_of_everything_costs_clients_no_error_and_keys_no_order(system: System) -> None:
    system.up()
    second = system.start("registration", instance="registration-second")
    processes: dict[str, Process] = {**system.processes, "registration-second": second}
    token = system.start.servers.secrets.tokens["kemnaker"]
    client = Client([processes[name].program.url for name in ("registration", "registration-second")], token)
    crowd = people(REGISTRATIONS, seed=11)
    stops: list[float] = []
    is_over = asyncio.Event()

    async def load() -> None:
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=60)) as session:
            for number, person in enumerate(crowd):
                await client.send(session, person)
                if number >= REGISTRATIONS // 2:
                    await asyncio.wait([asyncio.create_task(is_over.wait())], timeout=0.05)

    running = asyncio.create_task(load())
    for _ in range(ROUNDS):
        for name in (*SERVICES, "registration-second"):
            began = time.monotonic()
            await asyncio.to_thread(processes[name].stop, STOP_BOUND)
            stops.append(time.monotonic() - began)
            assert processes[name].exit_code == 0, name
            processes[name].start()
            await asyncio.to_thread(processes[name].wait_until_ready, 120)
    is_over.set()
    await running
    verdict = await system.drained(REGISTRATIONS)
    sys.stdout.write(f"longest stall {client.longest_stall():.1f} s, longest stop {max(stops):.1f} s of {STOP_BOUND:.0f} s\n")

    assert client.errors == []
    assert len(client.answers) == REGISTRATIONS
    assert verdict.is_clean, verdict.as_dict()
    assert max(stops) < STOP_BOUND
    assert await system.count("eligibility", "select count(*) from workers") == REGISTRATIONS
    assert await eventually(lambda: nothing_waits(system), within=60, what="no key waiting for a gap in its order")


async def nothing_waits(system: System) -> bool:
    return not [service for service in SERVICES if await system.count(service, "select count(*) from parked")]
