"""Notices connections that PostgreSQL has forgotten and nobody told us of.

A server's machine that fails, or a network's box between that drops what it knew, leaves our side of a connection open: what is asked over it
is never answered, and only the longest time for a statement ends the wait. Its backend is asked for by another connection instead.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import Any

import asyncpg

from shared.cancelling import is_asked_to_end, only_own_end
from shared.storage.sql import load_queries
from shared.telemetry import get_logger

log = get_logger(__name__)
SQL = load_queries("shared.storage", "silence.sql")

SILENT_SECONDS = 5.0
"""A connection in use that has answered nothing for so long is asked after: longer than nearly every statement takes."""
LOOK_SECONDS = 1.0
"""How often somebody looks which connections are silent; that costs no statement."""
ASK_SECONDS = 5.0
"""Longest wait for the answer about them; without one nothing is known, and nothing is done."""


@dataclass(slots=True)
class Lent:
    """A connection in use: how many statements it had answered when somebody looked last, and since when that many."""

    connection: Any
    answered: int
    since: float


class Silence:
    """The connections of one pool that are in use."""

    def __init__(self, url: str, name: str) -> None:
        self._url = url
        self._name = name
        self._lent: dict[int, Lent] = {}

    def watch(self, connection: Any) -> Lent:
        """Watch a connection of the pool from now on, until `unwatch`."""
        # What a pool lends answers no question any more once it was closed; the connection behind it does.
        lent = Lent(connection._con, _answered(connection._con), time.monotonic())  # noqa: SLF001 - see above
        self._lent[id(lent)] = lent
        return lent

    def unwatch(self, lent: Lent) -> None:
        """Watch it no longer: it goes back."""
        del self._lent[id(lent)]

    async def run(self) -> None:
        """Look until cancelled."""
        while not is_asked_to_end():
            await asyncio.sleep(LOOK_SECONDS)
            try:
                with only_own_end():
                    await self.look()
            except Exception as error:  # noqa: BLE001 - mostly the server is away: nothing is known then, and the next look comes
                log.info("Silent connections cannot be asked after yet.", action="silence_waits", error=type(error).__name__)

    async def look(self) -> None:
        """Cut off the connections that are silent and whose backend is gone."""
        silent = {pid: lent for lent in self._lent.values() if (pid := _silent_pid(lent)) is not None}
        if not silent:
            return
        living = await self._find_living([*silent])
        for pid, lent in silent.items():
            # It may have answered meanwhile, and do something else.
            if pid not in living and id(lent) in self._lent and _silent_pid(lent) == pid:
                log.warning(
                    "A connection is cut off: its server has forgotten it.", action="connection_forgotten", database=self._name
                )
                lent.connection.terminate()

    async def _find_living(self, pids: list[int]) -> set[int]:
        """Return which of these backends PostgreSQL knows; all of them where what answers is not PostgreSQL itself."""
        asker = await asyncpg.connect(self._url, timeout=ASK_SECONDS, server_settings={"application_name": self._name})
        try:
            own = asker.get_server_pid()
            rows = await asker.fetch(SQL["find_backends"], [*pids, own], timeout=ASK_SECONDS)
        finally:
            asker.terminate()
        living = {row["pid"] for row in rows}
        # A pooler between gives numbers of its own, of which the server knows none.
        return living if own in living else set(pids)


def _silent_pid(lent: Lent) -> int | None:
    """Return the server's number of a connection that has answered nothing for long, None where it has, or is closed."""
    if lent.connection.is_closed():
        return None
    now, answered = time.monotonic(), _answered(lent.connection)
    if answered != lent.answered:
        lent.answered, lent.since = answered, now
    pid: int = lent.connection.get_server_pid()
    return pid if now - lent.since >= SILENT_SECONDS else None


def _answered(connection: Any) -> int:
    count: int = connection._protocol.queries_count  # noqa: SLF001 - nothing public counts
    return count
