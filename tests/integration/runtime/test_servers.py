import asyncpg
import pytest
from aiokafka import AIOKafkaConsumer

from rintis.runtime.databases import Databases
from rintis.runtime.topics import existing_topics
from rintis.testing.fixtures import Publish
from rintis.testing.kafka import KafkaForTests
from rintis.testing.postgres import DatabasePool, PostgresForTests

pytestmark = pytest.mark.containers


async def test_each_test_finds_every_topic_empty(environment: dict[str, str], publish: Publish) -> None:
    names = await existing_topics(environment["KAFKA_BOOTSTRAP_SERVERS"])
    assert {"registration.workers", "intake.registrations.kemnaker"} <= set(names)
    await publish("registration.workers", b"{}", key=b"1")


async def test_what_an_earlier_test_sent_is_gone(environment: dict[str, str]) -> None:
    consumer = AIOKafkaConsumer("registration.workers", bootstrap_servers=environment["KAFKA_BOOTSTRAP_SERVERS"])
    await consumer.start()
    ends = await consumer.end_offsets(consumer.assignment())
    await consumer.stop()
    assert set(ends.values()) == {0}


async def test_a_service_cannot_open_the_database_of_another(databases: dict[str, str]) -> None:
    foreign = databases["DATABASE_URL_REGISTRATION"].replace("rintis_registration", "rintis_eligibility")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await asyncpg.connect(foreign)


async def test_the_auditor_reads_and_cannot_write(databases: dict[str, str]) -> None:
    owner = await asyncpg.connect(databases["DATABASE_URL_REGISTRATION"])
    await owner.execute("create table things (name text)")
    await owner.close()
    auditor = await asyncpg.connect(databases["AUDIT_URL_REGISTRATION"])
    assert await auditor.fetchval("select count(*) from things") == 0
    try:
        await auditor.execute("insert into things values ('x')")
    except asyncpg.ReadOnlySQLTransactionError:
        refused = True
    await auditor.close()
    assert refused


async def test_services_with_one_key_store_share_its_tables(databases: dict[str, str]) -> None:
    for role in ("registration", "eligibility", "notification"):
        url = databases["DATABASE_URL_KEYS"]
        assert url
        connection = await asyncpg.connect(url)
        assert await connection.fetchval("select current_user") == "keys", role
        await connection.close()


async def test_killed_servers_come_back_with_what_they_held(
    environment: dict[str, str], kafka: KafkaForTests, postgres: PostgresForTests, publish: Publish
) -> None:
    await publish("registration.workers", b"{}", key=b"1")
    connection = await asyncpg.connect(environment["DATABASE_URL_REPORTING"])
    await connection.execute("create table things as select 1 as one")
    kafka.kill()
    postgres.kill()
    postgres.up()
    kafka.up()
    again = await asyncpg.connect(environment["DATABASE_URL_REPORTING"])
    assert await again.fetchval("select one from things") == 1
    await again.close()
    await publish("registration.workers", b"{}", key=b"2")


async def test_rows_of_an_earlier_test_are_gone_and_its_sessions_ended(
    database_set: Databases, database_pool: DatabasePool
) -> None:
    left_open = await asyncpg.connect(database_set.url("registration", "keys"))
    await left_open.execute("insert into tombstones (subject) values (gen_random_uuid())")
    again = await database_pool.take()
    assert again is database_set
    connection = await asyncpg.connect(again.url("registration", "keys"))
    assert await connection.fetchval("select count(*) from tombstones") == 0
    await connection.close()
    with pytest.raises((asyncpg.PostgresConnectionError, asyncpg.InterfaceError)):
        await left_open.fetchval("select 1")


async def test_a_table_that_an_earlier_test_made_is_gone(database_set: Databases, database_pool: DatabasePool) -> None:
    connection = await asyncpg.connect(database_set.url("reporting", "reporting"))
    await connection.execute("create table made_by_a_test (name text)")
    await connection.close()
    again = await database_pool.take()
    connection = await asyncpg.connect(again.url("reporting", "reporting"))
    assert await connection.fetchval("select to_regclass('made_by_a_test')") is None
    await connection.close()
