"""Lends a pool's connections from hand to hand.

A batch borrows eleven times. The pool's own way (a time-out, a task that shields the return, two timers) takes 24 µs of Python each,
beside work a few times that: what a statement costs. What comes back clean is lent again as it is, and the pool sees it every second.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeAlias

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from shared.cancelling import is_asked_to_end
from shared.storage.silence import Silence

if TYPE_CHECKING:
    Tx: TypeAlias = PoolConnectionProxy[asyncpg.Record]
    Pool: TypeAlias = asyncpg.Pool[asyncpg.Record]
else:
    Tx = Pool = Any

CONNECT_SECONDS = 10.0
"""Longest wait for a connection before the server counts as away."""
SETTLE_SECONDS = 1.0
"""How long a connection that nobody uses stays outside its pool: a loan follows within milliseconds while anything comes in."""
MOST_STATEMENTS = 50_000
"""After so many statements a connection goes back to the pool, which closes it: a backend's memory grows with what it has met."""


_SAYING: set[int] = set()
"""What is lent, by identity, and has had events written to the outbox by it."""


def note_events(tx: Tx) -> None:
    """Note that what is lent has had events written: whoever sends them is told once they are committed."""
    _SAYING.add(id(tx))


class Lending:
    """Connections that were given back clean, and not to their pool yet. Who waits for one is served by the pool alone.

    `committed_events` is called after each commit of events, and after no other.
    """

    def __init__(self, pool: Pool, committed_events: Callable[[], None]) -> None:
        self.pool = pool
        self.committed_events = committed_events
        self._kept: list[tuple[Any, Any]] = []
        """Holder and connection, the one that was used last at the end."""
        self._waiting = 0
        self._is_open = True

    async def take(self) -> Tx:
        """Borrow a connection. Raises TimeoutError where none comes back in time, and one of AWAY."""
        while self._kept:
            holder, connection = self._kept.pop()
            if not connection.is_closed():
                return _lend(holder, connection)
            # Its server is gone: its place in the pool is free, if the pool has not noticed yet.
            connection.terminate()
        self._waiting += 1
        try:
            return await self.pool.acquire(timeout=CONNECT_SECONDS)
        finally:
            self._waiting -= 1

    async def give(self, proxy: Any) -> None:
        """Give a connection back: to the pool where somebody waits for one, or where it has to be looked after."""
        connection = proxy._con  # noqa: SLF001 - see below
        if self._waiting or not self._is_open or not _is_clean(connection):
            await self.pool.release(proxy)
            return
        holder = proxy._holder  # noqa: SLF001 - see below
        proxy._detach()  # noqa: SLF001 - see below
        self._kept.append((holder, connection))

    async def run(self) -> None:
        """Settle until cancelled."""
        while not is_asked_to_end():
            await asyncio.sleep(SETTLE_SECONDS)
            await self.settle()

    async def settle(self) -> None:
        """Give to the pool what nobody uses now: it closes what is idle for long."""
        kept, self._kept = self._kept, []
        for holder, connection in kept:
            if connection.is_closed():
                connection.terminate()
            else:
                await self.pool.release(_lend(holder, connection))

    async def close(self) -> None:
        """Keep nothing from now on."""
        self._is_open = False
        await self.settle()


class Loan:
    """Lends a connection for a block, in a transaction or not, and has it watched meanwhile."""

    __slots__ = ("_connection", "_in_transaction", "_lending", "_silence", "_watched")

    def __init__(self, lending: Lending, silence: Silence, *, in_transaction: bool) -> None:
        self._lending = lending
        self._silence = silence
        self._in_transaction = in_transaction

    async def __aenter__(self) -> Tx:
        self._connection = connection = await self._lending.take()
        self._watched = self._silence.watch(connection)
        if self._in_transaction:
            try:
                await connection.execute("begin")
            except BaseException:
                await self._end()
                raise
        return connection

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        try:
            if self._in_transaction:
                await self._connection.execute("commit" if kind is None else "rollback")
            if kind is None and id(self._connection) in _SAYING:
                self._lending.committed_events()
        finally:
            await self._end()

    async def _end(self) -> None:
        _SAYING.discard(id(self._connection))
        self._silence.unwatch(self._watched)
        await self._lending.give(self._connection)


@asynccontextmanager
async def savepoint(tx: Tx) -> AsyncIterator[None]:
    """Undo the block alone where it fails; the transaction around it goes on."""
    await tx.execute("savepoint block")
    try:
        yield
    except BaseException:
        await tx.execute("rollback to savepoint block; release savepoint block")
        raise
    await tx.execute("release savepoint block")


def _lend(holder: Any, connection: Any) -> Tx:
    """Wrap a connection anew, as the pool does it: what was lent before answers nobody any more."""
    holder._proxy = proxy = PoolConnectionProxy(holder, connection)  # noqa: SLF001 - the pool has no public way to lend without its costs
    return proxy


def _is_clean(connection: Any) -> bool:
    """Whether nothing is left to be done: no transaction, and no statement that is being cancelled. None is one that was closed."""
    if connection is None or connection.is_closed():
        return False
    protocol = connection._protocol  # noqa: SLF001 - see above
    is_busy = protocol.is_in_transaction() or protocol._is_cancelling()  # noqa: SLF001 - see above
    return not is_busy and protocol.queries_count < MOST_STATEMENTS
