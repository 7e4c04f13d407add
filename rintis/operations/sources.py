"""The four databases, through the role that only reads."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager

from rintis.runtime.databases import SERVICES
from rintis.runtime.errors import CannotStart
from shared.storage import AWAY, Database, Tx

CONNECTIONS = 2
"""An audit compares two looks at each database, both held until it is done."""

PLANNER = {"jit": "off", "work_mem": "64MB"}
"""Whole tables are read, so the planner is free to choose; a statement's translation to machine code costs more than it saves here, and sums
and joins of a million rows stay in memory."""


class Sources:
    """Connections to what is audited."""

    def __init__(self, databases: Mapping[str, Database], bootstrap: str) -> None:
        self._databases = databases
        self.bootstrap = bootstrap

    @property
    def services(self) -> tuple[str, ...]:
        """Return the services whose databases are reached."""
        return tuple(self._databases)

    def database(self, service: str) -> Database:
        """Return a service's database, to be read only."""
        return self._databases[service]

    @asynccontextmanager
    async def read(self, service: str) -> AsyncIterator[Tx]:
        """Lend a connection to a service's database."""
        async with self._databases[service].connection() as connection:
            yield connection

    @asynccontextmanager
    async def snapshot(self, service: str) -> AsyncIterator[Tx]:
        """Lend a service's database as it is at the first statement: what is read later was there then."""
        async with self.read(service) as connection, connection.transaction(isolation="repeatable_read", readonly=True):
            yield connection


@asynccontextmanager
async def open_sources() -> AsyncIterator[Sources]:
    """Open the databases that AUDIT_URL_<SERVICE> name.

    Raises:
        CannotStart: where an address is missing or a server is away, with what to do.
    """
    databases = {
        service: Database(_address(service), name=f"audit-{service}", size=CONNECTIONS, planner=PLANNER) for service in SERVICES
    }
    async with AsyncExitStack() as stack:
        for service, database in databases.items():
            try:
                await database.open()
            except AWAY as error:
                raise CannotStart(
                    f"The database of {service} cannot be reached ({type(error).__name__}).", "Is `rintis up` running?"
                ) from None
            stack.push_async_callback(database.close)
        yield Sources(databases, os.environ.get("KAFKA_BOOTSTRAP_SERVERS", ""))


def _address(service: str) -> str:
    variable = f"AUDIT_URL_{service.upper()}"
    if not (address := os.environ.get(variable)):
        raise CannotStart(f"Nothing says where the database of {service} is.", f"Start `rintis up` here, or set {variable}.")
    return address
