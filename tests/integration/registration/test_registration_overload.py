"""More than can be taken: refused in time, and with no more memory than the calls in hand need."""

import asyncio
import tracemalloc

import asyncpg
import httpx
import pytest
from fastapi import FastAPI

from services.registration.api import Bounds
from shared.service.problems import add_problem_handlers
from tests.integration.registration.registration_setup import Office, a_registration
from tests.integration.registration.test_registration_door import by, client_of

pytestmark = pytest.mark.servers

CALLS = 400
IN_FLIGHT = 4
MOST_BYTES = 8 << 20
"""For four calls in hand and 396 refusals in one process; 400 calls in hand would hold 400 bodies, boxes and two connections each."""


async def test_a_flood_on_a_slow_database_is_refused_and_costs_no_memory(office: Office) -> None:
    async with office.desk.database.connection() as slow, client_of(office, Bounds(IN_FLIGHT, 1_000)) as client:
        lock = slow.transaction()
        await lock.start()
        await slow.execute("lock table submissions in access exclusive mode")
        tracemalloc.start()
        bodies = [a_registration(reference=f"flood-{number}").model_dump(mode="json") for number in range(CALLS)]
        before = tracemalloc.get_traced_memory()[0]
        calls = [asyncio.create_task(client.post("/registrations", json=body, headers=by("dinas"))) for body in bodies]
        done, waiting = await asyncio.wait(calls, timeout=15)
        grown = tracemalloc.get_traced_memory()[0] - before
        tracemalloc.stop()
        await lock.rollback()
        await asyncio.wait(waiting)

    assert len(waiting) <= IN_FLIGHT
    assert {call.result().status_code for call in done} == {503}
    assert all(int(call.result().headers["Retry-After"]) > 0 for call in done)
    assert grown < MOST_BYTES
    assert {call.result().status_code for call in waiting} == {202}


@pytest.mark.parametrize("error", [asyncpg.DiskFullError, asyncpg.ReadOnlySQLTransactionError])
async def test_a_database_that_takes_no_writes_is_said_with_the_time_to_come_back(error: type[asyncpg.PostgresError]) -> None:
    app = FastAPI()
    add_problem_handlers(app)

    @app.post("/registrations")
    async def register() -> None:
        raise error("no space left on device")

    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://registration") as client:
        answer = await client.post("/registrations")
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "5"
    assert "device" not in answer.text
