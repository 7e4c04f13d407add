"""A PostgreSQL server that tests may stop and kill, with databases of their own."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Protocol

from rintis.runtime.databases import KEY_STORES, SERVICES, Databases
from rintis.runtime.ports import free_port
from rintis.runtime.postgres import ADMIN, PostgresServer
from rintis.runtime.secrets import Secrets
from rintis.runtime.state import ROOT, State
from shared.storage.database import Database
from shared.storage.migrate import migrate

NUMBERS = itertools.count(1)
FOR_TESTS = {
    # Tests kill the server's process, never the machine: what the operating system holds is safe.
    "fsync": "off",
    "full_page_writes": "off",
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
        self._server = PostgresServer(state, port=free_port(), password=secrets.passwords[ADMIN], settings=FOR_TESTS)
        self.url = self._server.url
        self.data = self._server.data

    def up(self) -> None:
        """Start the server."""
        if not self._server.is_running:
            self._server.start()

    def down(self) -> None:
        """Stop the server."""
        self._server.stop()

    def kill(self) -> None:
        """Kill the server."""
        self._server.kill()

    def remove(self) -> None:
        """Delete its data."""
        self._server.remove()


def fresh_set(postgres: PostgresForTests, secrets: Secrets) -> Databases:
    """Return a new set of database names; nothing is made yet."""
    return Databases(postgres.url, secrets.passwords, suffix=f"_{next(NUMBERS)}")


async def create_migrated(databases: Databases) -> None:
    """Make a set of databases with the tables that the services would make at their start."""
    await databases.create()
    shared = ROOT / "shared"
    for service in SERVICES:
        folders = [shared / "storage" / "migrations", ROOT / "services" / service / "migrations"]
        await _migrate(databases.url(service, service), folders)
    for store, users in KEY_STORES.items():
        await _migrate(databases.url(users[0], store), [shared / "security" / "migrations"])


async def _migrate(url: str, folders: list[Path]) -> None:
    database = Database(url, name="migrations for a test", size=1)
    await database.open()
    try:
        await migrate(database, *folders)
    finally:
        await database.close()
