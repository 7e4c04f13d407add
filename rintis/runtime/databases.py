"""The databases and roles: one database and one owner per service, key stores beside them, one role that only reads.

Nothing of it is done by a service: a service holds no right to make databases or to see another's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import quote, urlencode, urlsplit

import asyncpg

from shared.storage.sql import load_queries

if TYPE_CHECKING:
    Connection: TypeAlias = asyncpg.Connection[asyncpg.Record]
else:
    Connection = Any

SQL = load_queries("rintis.runtime", "databases.sql")

SERVICES = ("registration", "eligibility", "notification", "reporting")
"""Each has a database `rintis_<service>` and a role of its own name that owns it."""
KEY_STORES = {
    "keys": ("registration", "eligibility", "notification"),
    "company_keys": ("reporting", "notification"),
}
"""Each key store with the services that hold a master of a box in it."""
AUDIT = "audit"
"""The role that reads all four services' databases, and no key store. A database of its own keeps what it has proven."""
AUDIT_ADDRESS = "DATABASE_URL_AUDIT"
"""The variable with the address of the audit's own database; without it every audit looks at everything."""
ROLES = (*SERVICES, AUDIT)
"""Roles that log in, each with a password of its own."""


def near_url(url: str, socket_folder: Path) -> str:
    """Return an address by which the server's own machine reaches it without TCP.

    Measured, for a statement of next to nothing, µs of Python and of PostgreSQL: 27 and 25 by TCP, 19 and 17 by the socket.
    """
    parts = urlsplit(url)
    query = urlencode({"host": str(socket_folder), "port": parts.port})
    return parts._replace(netloc=f"{parts.netloc.rpartition('@')[0]}@", query=query).geturl()


@dataclass(frozen=True, slots=True)
class Databases:
    """The set of databases on one server. `suffix` keeps sets for tests apart.

    `socket_folder`: where services on the server's own machine reach it; everybody else is given an address with a host.
    """

    admin_url: str
    passwords: Mapping[str, str]
    suffix: str = ""
    socket_folder: Path | None = None

    def name(self, part: str) -> str:
        """Return the name of a service's database or of a key store."""
        return f"rintis_{part}{self.suffix}"

    def url(self, role: str, part: str) -> str:
        """Return the address under which a role reaches a database."""
        server = urlsplit(self.admin_url)
        user = f"{quote(role)}:{quote(self.passwords[role], safe='')}"
        return f"postgresql://{user}@{server.hostname}:{server.port or 5432}/{self.name(part)}"

    def environment(self, service: str) -> dict[str, str]:
        """Return the addresses that one service is given."""
        own = {f"DATABASE_URL_{service.upper()}": self._near_url(service, service)}
        return own | {
            f"DATABASE_URL_{store.upper()}": self._near_url(service, store)
            for store, users in KEY_STORES.items()
            if service in users
        }

    def audit_environment(self) -> dict[str, str]:
        """Return the addresses under which the auditor reads."""
        return {
            **{f"AUDIT_URL_{service.upper()}": self.url(AUDIT, service) for service in SERVICES},
            AUDIT_ADDRESS: self.url(AUDIT, AUDIT),
        }

    def _near_url(self, role: str, part: str) -> str:
        url = self.url(role, part)
        return near_url(url, self.socket_folder) if self.socket_folder else url

    async def create(self) -> None:
        """Make what is missing and set the roles' passwords. Doing it again changes nothing."""
        admin = await asyncpg.connect(self.admin_url)
        try:
            await admin.execute(SQL["take_setup_lock"])
            for role in ROLES:
                await _ensure_role(admin, role, self.passwords[role])
            for store in KEY_STORES:
                await _ensure_role(admin, store, None)
            for part in (*SERVICES, *KEY_STORES, AUDIT):
                await self._ensure_database(admin, part)
            await _run(admin, "format_writing", AUDIT, self.name(AUDIT))
            for store, users in KEY_STORES.items():
                await self._admit(admin, store, users)
            for service in SERVICES:
                await self._let_audit_read(service)
        finally:
            await admin.close()

    async def drop(self) -> None:
        """Drop the databases of the set, ending what is connected to them; the roles stay."""
        admin = await asyncpg.connect(self.admin_url)
        try:
            for part in (*SERVICES, *KEY_STORES, AUDIT):
                await _run(admin, "format_drop", self.name(part))
        finally:
            await admin.close()

    async def _ensure_database(self, admin: Connection, part: str) -> None:
        if not await admin.fetchval(SQL["find_database"], self.name(part)):
            await _run(admin, "format_database", self.name(part), part)
        await _run(admin, "format_close", self.name(part))
        await _run(admin, "format_admission", self.name(part), part)
        if part in SERVICES:
            await _run(admin, "format_admission", self.name(part), AUDIT)

    async def _admit(self, admin: Connection, store: str, users: Sequence[str]) -> None:
        for user in users:
            await _run(admin, "format_admission", self.name(store), user)
            await _run(admin, "format_membership", store, user)
            await _run(admin, "format_acting", user, self.name(store), store)

    async def _let_audit_read(self, service: str) -> None:
        server = urlsplit(self.admin_url)
        inside = await asyncpg.connect(server._replace(path=f"/{self.name(service)}").geturl())
        try:
            await _run(inside, "format_reading", service, AUDIT)
        finally:
            await inside.close()


async def _ensure_role(admin: Connection, role: str, password: str | None) -> None:
    if not await admin.fetchval(SQL["find_role"], role):
        await _run(admin, "format_role", role, password)
    elif password is not None:
        await _run(admin, "format_password", role, password)


async def _run(connection: Connection, block: str, *names: str | None) -> None:
    """Run a statement whose names and literals PostgreSQL itself has quoted; such statements take no parameters."""
    await connection.execute(await connection.fetchval(SQL[block], *names))
