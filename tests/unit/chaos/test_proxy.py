import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Self

import pytest
import uvloop

from rintis.runtime.ports import LOOPBACK, free_port
from rintis.testing.proxy import Link, Mode
from shared.testing import eventually

SOON = 5.0
"""For what must happen."""
LONG_ENOUGH = 0.15
"""For what must not happen."""
SAID = bytes(range(256)) * 20_000
"""More than fits into any buffer on the way."""


class Echo:
    """A server that gives back what it hears, and remembers it."""

    def __init__(self, name: bytes = b"") -> None:
        self.name = name
        self.port = free_port()
        self.heard = b""
        self.open = 0
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, LOOPBACK, self.port)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.open += 1
        try:
            while data := await reader.read(65536):
                self.heard += data
                writer.write(self.name or data)
        except ConnectionError:
            pass
        finally:
            self.open -= 1
            writer.close()


@asynccontextmanager
async def proxied(*echoes: Echo) -> AsyncIterator[Link]:
    link = Link(free_port(), [echo.port for echo in echoes])
    await link.open()
    yield link
    await link.close()


async def connect(link: Link) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_connection(LOOPBACK, link.port)


async def answer(reader: asyncio.StreamReader, size: int) -> bytes:
    async with asyncio.timeout(SOON):
        return await reader.readexactly(size)


async def is_silent(reader: asyncio.StreamReader) -> bool:
    try:
        await asyncio.wait_for(reader.read(1), LONG_ENOUGH)
    except TimeoutError:
        return True
    return False


async def test_a_good_link_passes_large_data_unchanged_in_both_directions() -> None:
    async with Echo() as echo, proxied(echo) as link:
        reader, writer = await connect(link)

        writer.write(SAID)

        assert await answer(reader, len(SAID)) == SAID
        writer.close()


async def test_a_slow_link_keeps_the_order_and_takes_its_time_each_way() -> None:
    async with Echo() as echo, proxied(echo) as link:
        reader, writer = await connect(link)
        link.behave(Mode.DELAY, 0.1)
        began = time.monotonic()

        for part in (b"one", b"two", b"six"):
            writer.write(part)
            await asyncio.sleep(0)

        assert await answer(reader, 9) == b"onetwosix"
        assert time.monotonic() - began >= 0.2
        writer.write(b"late")
        await asyncio.sleep(0.02)
        link.behave(Mode.PASS)
        writer.write(b"last")
        assert await answer(reader, 8) == b"latelast"
        writer.close()


async def test_a_reset_ends_open_connections_and_refuses_new_ones_until_it_is_over() -> None:
    async with Echo() as echo, proxied(echo) as link:
        reader, writer = await connect(link)
        writer.write(b"x")
        await answer(reader, 1)

        link.behave(Mode.RESET)

        with pytest.raises(ConnectionResetError):
            await answer(reader, 1)
        fresh, other = await connect(link)
        with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
            await answer(fresh, 1)
        link.behave(Mode.PASS)
        healed, third = await connect(link)
        third.write(b"y")
        assert await answer(healed, 1) == b"y"
        for end in (writer, other, third):
            end.close()


async def test_a_half_open_connection_stays_silent_for_good_while_new_ones_work() -> None:
    async with Echo() as echo, proxied(echo) as link:
        reader, writer = await connect(link)
        writer.write(b"x")
        await answer(reader, 1)

        link.behave(Mode.HALF_OPEN)

        writer.write(b"lost")
        assert await is_silent(reader)
        fresh, other = await connect(link)
        other.write(b"y")
        assert await answer(fresh, 1) == b"y"
        link.behave(Mode.PASS)
        writer.write(b"lost too")
        assert await is_silent(reader)
        assert b"lost" not in echo.heard
        assert not writer.is_closing()
        for end in (writer, other):
            end.close()


async def test_a_black_hole_delays_everything_and_loses_nothing() -> None:
    async with Echo() as echo, proxied(echo) as link:
        reader, writer = await connect(link)
        link.behave(Mode.BLACK_HOLE)

        writer.write(b"before")
        assert await is_silent(reader)
        fresh, other = await connect(link)
        other.write(b"new")
        assert await is_silent(fresh)
        link.behave(Mode.PASS)

        assert await answer(reader, 6) == b"before"
        assert await answer(fresh, 3) == b"new"
        for end in (writer, other):
            end.close()


async def test_one_direction_can_be_muted_alone() -> None:
    async with Echo() as echo, proxied(echo) as link:
        reader, writer = await connect(link)
        writer.write(b"a")
        await answer(reader, 1)

        link.behave(Mode.MUTE_SERVER)
        writer.write(b"b")
        assert await is_silent(reader)
        assert echo.heard == b"ab"
        link.behave(Mode.MUTE_CLIENT)
        assert await answer(reader, 1) == b"b"
        writer.write(b"c")
        assert await is_silent(reader)
        assert echo.heard == b"ab"
        writer.close()


async def test_a_link_turns_to_the_next_server_where_one_is_away() -> None:
    async with Echo(b"2") as there:
        away = Echo()
        async with proxied(away, there) as link:
            answers = []
            for _ in range(4):
                reader, writer = await connect(link)
                writer.write(b"x")
                answers.append(await answer(reader, 1))
                writer.close()

    assert answers == [b"2"] * 4


async def test_a_server_that_is_away_looks_away() -> None:
    async with proxied(Echo()) as link:
        reader, writer = await connect(link)
        with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
            await answer(reader, 1)
        writer.close()


async def test_the_ports_that_a_server_sees_are_known() -> None:
    async with Echo() as echo, proxied(echo) as link:
        reader, writer = await connect(link)
        writer.write(b"x")
        await answer(reader, 1)

        assert len(link.local_ports()) == 1
        assert link.local_ports() != {link.port}
        writer.close()

        await eventually(lambda: not link.local_ports(), within=SOON, what="the connection being over")


def test_it_passes_resets_and_holds_on_the_loop_that_chaos_runs_on() -> None:
    async def scenario() -> tuple[bytes, bool, bytes]:
        async with Echo() as echo, proxied(echo) as link:
            reader, writer = await connect(link)
            link.behave(Mode.BLACK_HOLE)
            writer.write(SAID)
            was_silent = await is_silent(reader)
            link.behave(Mode.PASS)
            held = await answer(reader, len(SAID))
            link.behave(Mode.RESET)
            with pytest.raises(ConnectionResetError):
                await answer(reader, 1)
            link.behave(Mode.PASS)
            healed, other = await connect(link)
            other.write(b"y")
            fresh = await answer(healed, 1)
            for end in (writer, other):
                end.close()
            return held, was_silent, fresh

    assert uvloop.run(scenario()) == (SAID, True, b"y")
