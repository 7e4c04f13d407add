"""A pool of connections to one database, and transactions on it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from types import MappingProxyType

import asyncpg

from shared.storage.arrays import use_arrays
from shared.storage.lending import CONNECT_SECONDS, Lending, Loan
from shared.storage.silence import Silence

AWAY = (
    OSError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    # What the client says of a connection that was cut off in the middle of a statement, when it is used once more.
    asyncpg.InternalClientError,
    asyncpg.CannotConnectNowError,
    asyncpg.TooManyConnectionsError,
)
"""The server is away or going: the same work will succeed later."""
CONTENTION = (asyncpg.DeadlockDetectedError, asyncpg.SerializationError, asyncpg.LockNotAvailableError)
"""Two transactions met: the same work will succeed when it is done again."""
REFUSING = (asyncpg.InsufficientResourcesError, asyncpg.ReadOnlySQLTransactionError)
"""The server takes no writes now: its disk or memory is full, or it is a standby. Nothing was written, and later it will be."""
TRANSIENT = (*AWAY, *CONTENTION, *REFUSING, asyncpg.OperatorInterventionError, TimeoutError)

POOL_SIZE = 8
"""Connections per process: consumers of one service, its relay, its jobs and its doors; PostgreSQL's 100 serve a dozen processes."""
STATEMENT_SECONDS = 60.0
"""Longest one statement may take: far below `max_poll_interval`, far above the slowest batch seen."""

SMALL_SETS = {
    "enable_seqscan": "off",
    "enable_bitmapscan": "off",
    "enable_material": "off",
    "jit": "off",
    "plan_cache_mode": "force_generic_plan",
}
"""Every statement of a service looks up a bounded set in indexed tables. Left to itself the planner takes tables for empty until
statistics come, keeps such plans with the prepared statement, and then reads whole tables once per row: measured, a claim of 128
messages took up to 3.8 s, and keys of a batch 56 ms instead of 3. It expects a hundred elements of any array: a plan for
five seems so much cheaper than that one that it would plan each small batch's statements anew, a fifth of their cost. Measured, batches of
three hundred and claims from 170,000 waiting messages are no slower by the plan for any."""


class Lean(asyncpg.Connection):
    """A connection that goes back to its pool as it is: nobody here leaves settings, cursors or locks behind.

    What the library would send instead is a round trip per use, a fifth of all. An open transaction is still rolled back.
    """

    def get_reset_query(self) -> str:
        """Return nothing to be sent."""
        return ""


class Database:
    """One PostgreSQL database, reached through a pool that is opened once.

    `url` is a libpq URL; `name` appears in `pg_stat_activity`; `planner` holds PostgreSQL's planner settings: those of a
    service's small sets, or none for who reads whole tables.
    """

    def __init__(
        self, url: str, *, name: str, size: int = POOL_SIZE, planner: Mapping[str, str] = MappingProxyType(SMALL_SETS)
    ) -> None:
        self.name = name
        self.url = url
        self._size = size
        self._planner = dict(planner)
        self._lending: Lending | None = None
        self.committed_events: Callable[[], None] = _tell_nobody
        """Called after each commit of events by this process: the relay's wake-up, where there is one. Set before `open`."""
        self._silence = Silence(url, name)
        self._watch: list[asyncio.Task[None]] = []

    async def open(self) -> None:
        """Open the pool. Raises one of AWAY while the server is not there."""
        if self._lending is None:
            pool = await asyncpg.create_pool(
                self.url,
                min_size=1,
                max_size=self._size,
                connection_class=Lean,
                init=use_arrays,
                command_timeout=STATEMENT_SECONDS,
                timeout=CONNECT_SECONDS,
                server_settings={"application_name": self.name, "timezone": "UTC", **self._planner},
            )
            self._lending = Lending(pool, self.committed_events)
            self._watch = [
                asyncio.create_task(self._silence.run(), name=f"watch {self.name}"),
                asyncio.create_task(self._lending.run(), name=f"settle {self.name}"),
            ]

    async def close(self) -> None:
        """Close the pool, giving running statements five seconds."""
        for task in self._watch:
            task.cancel()
        lending, self._lending = self._lending, None
        if lending is not None:
            try:
                async with asyncio.timeout(5):
                    await lending.close()
                    await lending.pool.close()
            except TimeoutError:
                lending.pool.terminate()

    def connection(self) -> Loan:
        """Lend a connection outside a transaction."""
        return Loan(self._lender(), self._silence, in_transaction=False)

    def transaction(self) -> Loan:
        """Lend a connection inside a transaction, read committed: later statements see what others committed before them."""
        return Loan(self._lender(), self._silence, in_transaction=True)

    def _lender(self) -> Lending:
        if self._lending is None:
            raise asyncpg.InterfaceError(f"database {self.name} is not open")
        return self._lending


def _tell_nobody() -> None:
    """Leave events to whoever looks for them by time."""
