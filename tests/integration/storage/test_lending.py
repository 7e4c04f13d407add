"""Connections go from hand to hand, and nobody meets what somebody else has left on one."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from uuid import uuid4

import asyncpg
import pytest
import pytest_asyncio

from rintis.testing.postgres import PostgresForTests
from shared.storage import MIGRATIONS, Database, Outbox, Outgoing, Tx, migrate, savepoint
from shared.storage.lending import SETTLE_SECONDS
from tests.integration.messaging.messaging_stage import a_worker

pytestmark = pytest.mark.servers

SOON = 5.0
"""Far below the time after which somebody who waits for a connection gives up."""
PID = "select pg_backend_pid()"


@pytest_asyncio.fixture
async def narrow(postgres: PostgresForTests) -> AsyncIterator[Database]:
    """A database reached by one connection only."""
    postgres.up()
    database = Database(postgres.url, name="test", size=1)
    await database.open()
    try:
        yield database
    finally:
        await database.close()


async def pid_of(database: Database) -> int:
    async with asyncio.timeout(SOON), database.connection() as connection:
        pid: int = await connection.fetchval(PID)
    return pid


async def test_a_connection_that_was_given_back_is_lent_again(narrow: Database) -> None:
    assert await pid_of(narrow) == await pid_of(narrow)


async def test_what_was_lent_answers_nobody_after_its_block_and_none_after_it_was_lent_again(narrow: Database) -> None:
    async with narrow.transaction() as tx:
        await tx.execute("select 1")
    with pytest.raises(asyncpg.InterfaceError):
        await tx.execute("select 1")
    async with narrow.transaction() as again:
        with pytest.raises(asyncpg.InterfaceError):
            await tx.execute("select 1")
        await again.execute("select 1")


async def test_who_waits_gets_the_connection_that_is_given_back(narrow: Database) -> None:
    async with narrow.connection():
        waiting = asyncio.create_task(pid_of(narrow))
        await asyncio.sleep(0.05)
        assert not waiting.done()
    async with asyncio.timeout(SOON):
        assert await waiting


async def make_table_and_fail(database: Database) -> None:
    async with database.transaction() as tx:
        await tx.execute("create table left_over ()")
        raise ZeroDivisionError


async def test_a_transaction_that_fails_leaves_nothing_and_one_that_somebody_left_open_is_rolled_back(narrow: Database) -> None:
    with pytest.raises(ZeroDivisionError):
        await make_table_and_fail(narrow)
    async with narrow.connection() as connection:
        await connection.execute("begin; create table left_over ()")
    async with narrow.transaction() as tx:
        assert await tx.fetchval("select to_regclass('left_over')") is None


async def insert_and_fail(tx: Tx) -> None:
    async with savepoint(tx):
        await tx.execute("insert into done values (2)")
        await tx.execute("select 1 / 0")


async def test_a_block_that_fails_is_undone_alone(narrow: Database) -> None:
    async with narrow.transaction() as tx:
        await tx.execute("create temporary table done (number int) on commit drop")
        async with savepoint(tx):
            await tx.execute("insert into done values (1)")
            with pytest.raises(asyncpg.DivisionByZeroError):
                await insert_and_fail(tx)
            await tx.execute("insert into done values (3)")
        assert [row["number"] for row in await tx.fetch("select number from done order by 1")] == [1, 3]


async def test_a_statement_that_was_cancelled_holds_up_nobody(narrow: Database) -> None:
    async with asyncio.timeout(SOON):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05), narrow.transaction() as tx:
                await tx.execute("select pg_sleep(60)")
        assert await pid_of(narrow)


async def test_a_connection_whose_server_went_away_meanwhile_is_replaced(narrow: Database, postgres: PostgresForTests) -> None:
    pid = await pid_of(narrow)
    admin = await asyncpg.connect(postgres.url)
    try:
        await admin.execute("select pg_terminate_backend($1, 5000)", pid)
    finally:
        await admin.close()
    await asyncio.sleep(0.05)
    assert await pid_of(narrow) != pid


async def test_what_nobody_uses_goes_back_to_the_pool(narrow: Database) -> None:
    await pid_of(narrow)
    assert narrow._lending is not None
    assert narrow._lending.pool.get_idle_size() == 0
    await asyncio.sleep(1.5 * SETTLE_SECONDS)
    assert narrow._lending.pool.get_idle_size() == 1
    assert await pid_of(narrow)


async def say_and_fail(database: Database) -> None:
    async with database.transaction() as tx:
        await Outbox("registration").add(tx, [news()])
        raise ZeroDivisionError


def news() -> Outgoing:
    return Outgoing(a_worker("0190a1b2-c3d4-8e5f-8a6b-7c8d9e0f1a2b"), uuid4(), datetime.now(UTC))


async def test_whoever_sends_events_is_told_of_those_that_are_committed_and_of_nothing_else(databases: dict[str, str]) -> None:
    database = Database(databases["DATABASE_URL_REGISTRATION"], name="test", size=1)
    told: list[str] = []
    database.committed_events = lambda: told.append("committed")
    await database.open()
    try:
        await migrate(database, MIGRATIONS)
        async with database.transaction() as tx:
            await tx.execute("select 1")
        with pytest.raises(ZeroDivisionError):
            await say_and_fail(database)
        assert not told
        async with database.transaction() as tx:
            await Outbox("registration").add(tx, [news()])
            assert not told
        assert told == ["committed"]
        async with database.transaction() as tx:
            await tx.execute("select 1")
        assert told == ["committed"]
    finally:
        await database.close()
