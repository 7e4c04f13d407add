import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import pytest

from shared.messaging import relay as module
from shared.messaging.limits import Limits
from shared.messaging.relay import Relay
from shared.messaging.retry import concerns_batch

ERRORS = [asyncpg.InternalClientError("another operation is in progress"), asyncpg.InterfaceError("closed"), KeyError("odd")]


class CutOff:
    """A database whose connections fail, one after the other, until one is asked for that is to be had."""

    def __init__(self, errors: list[BaseException]) -> None:
        self._errors = errors
        self.is_reached = asyncio.Event()

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Any]:
        if self._errors:
            raise self._errors.pop(0)
        self.is_reached.set()
        await asyncio.Event().wait()
        yield None


async def test_a_relay_whose_end_got_lost_in_another_error_ends_all_the_same() -> None:
    class BreaksWhenCancelled:
        """A database whose connection breaks while it is being cancelled."""

        @asynccontextmanager
        async def connection(self) -> AsyncIterator[Any]:
            began.set()
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                raise ConnectionResetError from None
            yield None

    began = asyncio.Event()
    database: Any = BreaksWhenCancelled()
    running = asyncio.create_task(Relay("registration", database, asyncio.Event().wait, Limits()).run())
    await began.wait()
    running.cancel()
    done, _ = await asyncio.wait({running}, timeout=5)
    assert done


async def test_a_relay_goes_on_after_a_library_has_let_the_end_of_a_task_of_its_own_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PAUSE_SECONDS", 0.001)
    database: Any = CutOff([asyncio.CancelledError()])
    running = asyncio.create_task(Relay("registration", database, asyncio.Event().wait, Limits()).run())

    await asyncio.wait_for(database.is_reached.wait(), 5)

    assert not running.done()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_a_relay_goes_on_after_whatever_a_broken_connection_raises(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PAUSE_SECONDS", 0.001)
    database: Any = CutOff([*ERRORS])
    running = asyncio.create_task(Relay("registration", database, asyncio.Event().wait, Limits()).run())

    await asyncio.wait_for(database.is_reached.wait(), 5)

    assert not running.done()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


@pytest.mark.parametrize("error", ERRORS[:2])
def test_a_connection_cut_off_in_the_middle_condemns_no_record(error: Exception) -> None:
    assert concerns_batch(error)
