"""Connections that PostgreSQL has forgotten, through a proxy that forgets its server's side and tells nobody."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import asyncpg
import pytest

from rintis.runtime.ports import free_port
from rintis.testing.postgres import PostgresForTests
from rintis.testing.proxy import Link, Mode
from shared.storage import Database, silence

pytestmark = pytest.mark.servers

SOON = 20.0
"""Far below the minute after which a statement is given up."""


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(silence, "SILENT_SECONDS", 0.5)
    monkeypatch.setattr(silence, "LOOK_SECONDS", 0.1)


@asynccontextmanager
async def behind_a_proxy(postgres: PostgresForTests) -> AsyncIterator[tuple[Database, Link]]:
    postgres.up()
    port = urlsplit(postgres.url).port or 0
    link = Link(free_port(), [port])
    await link.open()
    database = Database(postgres.url.replace(f":{port}/", f":{link.port}/"), name="test")
    await database.open()
    try:
        yield database, link
    finally:
        await database.close()
        await link.close()


async def ask_and_be_forgotten(database: Database, link: Link) -> None:
    async with asyncio.timeout(SOON), database.transaction() as tx:
        await tx.fetchval("select 1")
        link.behave(Mode.HALF_OPEN)
        await tx.fetchval("select 2")


async def test_a_statement_over_a_connection_that_the_server_forgot_fails_soon(postgres: PostgresForTests) -> None:
    async with behind_a_proxy(postgres) as (database, link):
        with pytest.raises((asyncpg.PostgresConnectionError, asyncpg.InterfaceError)):
            await ask_and_be_forgotten(database, link)

        async with asyncio.timeout(SOON), database.transaction() as tx:
            assert await tx.fetchval("select 3") == 3


async def test_a_statement_that_takes_long_and_a_connection_that_is_held_idle_are_left_alone(postgres: PostgresForTests) -> None:
    async with behind_a_proxy(postgres) as (database, _), asyncio.timeout(SOON), database.transaction() as tx:
        assert await tx.fetchval("select 4 from pg_sleep(2)") == 4
        async with database.transaction() as other:
            await other.execute("select pg_sleep(2)")
        assert await tx.fetchval("select 5") == 5


async def test_nothing_is_cut_off_while_nobody_answers_for_the_server(postgres: PostgresForTests) -> None:
    async with behind_a_proxy(postgres) as (database, link), asyncio.timeout(SOON), database.transaction() as tx:
        link.behave(Mode.BLACK_HOLE)
        asyncio.get_running_loop().call_later(2, link.behave, Mode.PASS)
        assert await tx.fetchval("select 6") == 6


async def test_a_lent_connection_that_was_closed_keeps_nobody_from_looking_after_the_others(postgres: PostgresForTests) -> None:
    async with behind_a_proxy(postgres) as (database, link), database.connection() as closed:
        closed.terminate()
        with pytest.raises((asyncpg.PostgresConnectionError, asyncpg.InterfaceError)):
            await ask_and_be_forgotten(database, link)
