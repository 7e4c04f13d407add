"""The two systems that are measured, as the bench sees them: started from nothing, watched, stopped."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import asyncpg

from rintis.bench.loads import Form
from rintis.runtime.databases import Connection
from rintis.runtime.state import State
from shared.storage.sql import load_queries

SQL = load_queries("rintis.bench")
COMMIT_TIMES = {"track_commit_timestamp": "on"}
"""What PostgreSQL must keep so that a row can be asked when it could be seen; on where latency is measured, and only there."""


class System(ABC):
    """A system under measurement. It is started in a folder that the caller holds and that is empty."""

    name: str
    form: Form

    def __init__(self, state: State) -> None:
        self.state = state
        self.clock = ""
        self.looks = 0
        """Statements of our own so far; each is a transaction."""
        self._connections: dict[str, Connection] = {}

    @property
    @abstractmethod
    def bootstrap(self) -> str:
        """Kafka's address."""

    @property
    @abstractmethod
    def admin_url(self) -> str:
        """The address of PostgreSQL's administrator."""

    @property
    @abstractmethod
    def databases(self) -> Sequence[str]:
        """The names of the databases that it works in."""

    @abstractmethod
    def up(self) -> None:
        """Start the servers and the processes."""

    @abstractmethod
    def down(self) -> None:
        """Stop everything."""

    @abstractmethod
    async def pulse(self) -> int:
        """Return a number that moves while anything is being done, for next to nothing."""

    @abstractmethod
    async def is_settled(self, published: int) -> bool:
        """Whether everything that came of so many records is there."""

    @abstractmethod
    async def last_done_at(self) -> datetime:
        """Return when the last row was written down, by the database's clock."""

    @abstractmethod
    async def done_at(self, ids: Sequence[UUID]) -> Mapping[UUID, datetime]:
        """Return when the last row of each registration was committed; those that led to none are left out."""

    def processes(self) -> dict[str, int]:
        """Return every process that was started, by name."""
        return {row.name: row.pid for row in self.state.running()}

    async def open(self) -> None:
        """Connect to every database."""
        server = urlsplit(self.admin_url)
        for name in self.databases:
            self._connections[name] = await asyncpg.connect(server._replace(path=f"/{name}").geturl())

    async def close(self) -> None:
        """Close the connections."""
        for connection in self._connections.values():
            await connection.close()
        self._connections.clear()

    def connection(self, database: str) -> Connection:
        """Return the open connection to a database."""
        return self._connections[database]

    async def rows(self, database: str, block: str, *parameters: Any) -> list[dict[str, Any]]:
        """Return the rows of a statement."""
        self.looks += 1
        return [dict(row) for row in await self._connections[database].fetch(SQL[block], *parameters)]

    async def row(self, database: str, block: str, *parameters: Any) -> dict[str, Any]:
        """Return the only row of a statement."""
        return (await self.rows(database, block, *parameters))[0]

    async def tidy(self) -> None:
        """Bring the servers into the state of a system that has been running for a while: statistics, nothing to be flushed."""
        for connection in self._connections.values():
            await connection.execute(SQL["analyze"])
        await self._connections[self.databases[0]].execute(SQL["checkpoint"])

    async def server_counts(self) -> tuple[int, int]:
        """Return the transactions committed in its databases and the bytes of the server's journal."""
        row = await self.row(self.databases[0], "read_server", list(self.databases))
        return row["commits"], row["journal_bytes"]

    def log_bytes(self) -> int:
        """Return what Kafka's logs hold, its own topics included."""
        data = self.state.folder / "kafka" / "data"
        return sum(path.stat().st_size for path in data.glob("*/*.log"))
