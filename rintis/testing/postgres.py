"""A PostgreSQL server that tests may stop and kill, with databases of their own."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

import asyncpg

from rintis.runtime.databases import AUDIT, KEY_STORES, SERVICES, Databases
from rintis.runtime.ports import free_port
from rintis.runtime.postgres import ADMIN, PostgresServer
from rintis.runtime.secrets import Secrets
from rintis.runtime.state import ROOT, State
from shared.storage.database import Database
from shared.storage.migrate import migrate
from shared.storage.sql import load_queries

SQL = load_queries("rintis.testing")
PARTS = (*SERVICES, *KEY_STORES, AUDIT)
NUMBERS = itertools.count(1)
FOR_TESTS = {
    # Tests kill the server's process, never the machine: what the operating system holds is safe.
    # Full page writes stay on: a kill may come between the halves of a page, and replaying onto such a page has crashed the server.
    "fsync": "off",
    "max_connections": "300",
}


class PostgresForTests(Protocol):
    """What a test may do to a server."""

    @property
    def url(self) -> str:
        """The administrator's address."""

    def up(self) -> None:
        """Start the server and return once it takes connections."""

    def down(self) -> None:
        """Stop the server properly."""

    def kill(self) -> None:
        """End the server as a crash would."""


class EmbeddedPostgres:
    """A server of the embedded runtime."""

    def __init__(self, state: State, secrets: Secrets) -> None:
        self.port = free_port()
        self._server = PostgresServer(state, port=self.port, password=secrets.passwords[ADMIN], settings=FOR_TESTS)
        self.url = self._server.url
        self.data = self._server.data
        self.socket_folder = self._server.socket_folder

    @property
    def is_running(self) -> bool:
        """Whether the server's process runs."""
        return self._server.is_running

    def up(self) -> None:
        """Start the server."""
        if not self._server.is_running:
            self._server.start()

    def down(self) -> None:
        """Stop the server."""
        self._server.stop()

    def stop_at_once(self) -> None:
        """Stop the server in mode `immediate`: sessions are cut off, and nothing is written down first."""
        self._server.stop_at_once()

    def kill(self) -> None:
        """Kill the server."""
        self._server.kill()

    def remove(self) -> None:
        """Delete its data."""
        self._server.remove()


class DatabasePool:
    """One set of databases for a session, emptied for each test: making six anew costs ten times as much."""

    def __init__(self, postgres: PostgresForTests, secrets: Secrets) -> None:
        self._postgres = postgres
        self._secrets = secrets
        self._set: Databases | None = None
        self._tables: dict[str, list[str]] = {}

    async def take(self) -> Databases:
        """Return the set with the tables of every service, empty, and nobody connected."""
        if self._set is not None and await self._empty(self._set):
            return self._set
        if self._set is not None:
            await self._set.drop()
        self._set = Databases(self._postgres.url, self._secrets.passwords, suffix=f"_{next(NUMBERS)}")
        await create_migrated(self._set)
        self._tables = {part: await self._look(self._set, part, "describe_tables") for part in PARTS}
        return self._set

    async def _empty(self, databases: Databases) -> bool:
        """Empty every database; False where a test has changed tables, so that the set is used no more."""
        for part in PARTS:
            await self._look(databases, part, "end_sessions")
            if await self._look(databases, part, "describe_tables") != self._tables[part]:
                return False
            await self._look(databases, part, "empty_tables")
        return True

    async def _look(self, databases: Databases, part: str, block: str) -> Any:
        server = urlsplit(databases.admin_url)
        connection = await asyncpg.connect(server._replace(path=f"/{databases.name(part)}").geturl())
        try:
            return await (connection.execute if block == "empty_tables" else connection.fetchval)(SQL[block])
        finally:
            await connection.close()


async def create_migrated(databases: Databases) -> None:
    """Make a set of databases with the tables that the services would make at their start."""
    await databases.create()
    shared = ROOT / "shared"
    for service in SERVICES:
        folders = [shared / "storage" / "migrations", ROOT / "services" / service / "migrations"]
        await _migrate(databases.url(service, service), folders)
    for store, users in KEY_STORES.items():
        await _migrate(databases.url(users[0], store), [shared / "security" / "migrations"])
    await _migrate(databases.url(AUDIT, AUDIT), [ROOT / "rintis" / "operations" / "migrations"])


async def _migrate(url: str, folders: list[Path]) -> None:
    database = Database(url, name="migrations for a test", size=1)
    await database.open()
    try:
        await migrate(database, *folders)
    finally:
        await database.close()
