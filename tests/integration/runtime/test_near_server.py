from dataclasses import replace

import asyncpg

from rintis.runtime.databases import Databases
from rintis.runtime.ports import LOOPBACK
from rintis.testing.postgres import EmbeddedPostgres, PostgresForTests


async def test_a_service_on_the_servers_machine_is_given_its_socket_and_the_auditor_a_host(
    database_set: Databases, postgres: PostgresForTests
) -> None:
    assert isinstance(postgres, EmbeddedPostgres), (
        "a container's socket cannot be reached from here: this test is not one for containers"
    )
    near = replace(database_set, socket_folder=postgres.socket_folder)
    where = "select host(inet_server_addr())"
    for url, expected in (
        (near.environment("registration")["DATABASE_URL_KEYS"], None),
        (near.url("audit", "reporting"), LOOPBACK),
    ):
        connection = await asyncpg.connect(url)
        assert await connection.fetchval(where) == expected
        await connection.close()
