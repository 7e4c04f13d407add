"""Answers of Kafka that come in pieces wake their reader once, and come out whole."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
import uvloop
from aiokafka.conn import AIOKafkaConnection, AIOKafkaProtocol

from shared.messaging.answers import WHOLE_BYTES, wait_for_whole_answers
from shared.testing import eventually

Serve = Callable[[asyncio.StreamWriter], Awaitable[None]]


class Woken(AIOKafkaProtocol):  # type: ignore[misc]  # aiokafka ships no types
    """The client's protocol, which counts how often something was read for it."""

    def __init__(self, reader: asyncio.StreamReader) -> None:
        loop = asyncio.get_running_loop()
        self.closed: asyncio.Future[None] = loop.create_future()
        super().__init__(self.closed, reader, loop=loop)
        self.pieces = 0

    def data_received(self, data: bytes) -> None:
        self.pieces += 1
        super().data_received(data)


@dataclass
class Connection:
    """As much of the client's connection as its reader uses."""

    _reader: asyncio.StreamReader
    _writer: asyncio.StreamWriter
    protocol: Woken
    answers: list[bytes] = field(default_factory=list)

    def _handle_frame(self, answer: bytes) -> None:
        self.answers.append(answer)


@asynccontextmanager
async def connected(serve: Serve) -> AsyncIterator[tuple[Connection, asyncio.Task[Any]]]:
    """Read from a server as the client does, once it reads whole answers."""
    wait_for_whole_answers()
    loop = asyncio.get_running_loop()

    async def serve_one(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await serve(writer)
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(serve_one, "127.0.0.1", 0)
    reader = asyncio.StreamReader()
    protocol = Woken(reader)
    transport, _ = await loop.create_connection(lambda: protocol, *server.sockets[0].getsockname())
    connection = Connection(reader, asyncio.StreamWriter(transport, protocol, reader, loop), protocol)
    task = asyncio.create_task(AIOKafkaConnection._read(lambda: connection))
    try:
        yield connection, task
    finally:
        task.cancel()
        await asyncio.wait({task})
        transport.close()
        server.close()
        await server.wait_closed()
        await protocol.closed


def framed(answer: bytes) -> bytes:
    return struct.pack(">i", len(answer)) + answer


async def send_pieces(writer: asyncio.StreamWriter, sent: bytes, size: int) -> None:
    """Send so that each piece has come by itself before the next one goes."""
    for begin in range(0, len(sent), size):
        writer.write(sent[begin : begin + size])
        # One turn of the loop for whoever would be woken by it, and one for what it wakes.
        await asyncio.sleep(0)
        await asyncio.sleep(0)


LOOPS: dict[str, Callable[[], asyncio.AbstractEventLoop]] = {"uvloop": uvloop.new_event_loop, "asyncio": asyncio.new_event_loop}


@pytest.fixture(params=LOOPS)
def runner(request: pytest.FixtureRequest) -> Iterator[asyncio.Runner]:
    """What runs a test: services run on uvloop, tools on asyncio's own loop."""
    with asyncio.Runner(loop_factory=LOOPS[request.param]) as made:
        yield made


def test_an_answer_in_a_dozen_pieces_wakes_its_reader_for_its_size_and_once_more(runner: asyncio.Runner) -> None:
    async def run() -> None:
        answer = bytes(range(200)) * 30

        async def serve(writer: asyncio.StreamWriter) -> None:
            await send_pieces(writer, framed(answer), 500)

        async with connected(serve) as (connection, _):
            await eventually(lambda: connection.answers == [answer], within=10, what="the answer")
            assert connection.protocol.pieces <= 2

    runner.run(run())


def test_answers_of_any_size_come_out_as_they_were_sent_one_after_the_other(runner: asyncio.Runner) -> None:
    async def run() -> None:
        sizes = [0, 1, 4, 70, WHOLE_BYTES - 1, WHOLE_BYTES, WHOLE_BYTES + 1, 3_000_000, 5, 65_536, 0, 9]
        answers = [bytes([number]) * size for number, size in enumerate(sizes)]

        async def serve(writer: asyncio.StreamWriter) -> None:
            # Ends of answers fall anywhere in a piece.
            await send_pieces(writer, b"".join(map(framed, answers)), 9_973)

        async with connected(serve) as (connection, _):
            await eventually(lambda: len(connection.answers) == len(answers), within=20, what="all answers")
            assert connection.answers == answers

    runner.run(run())


def test_a_connection_that_ends_within_an_answer_is_lost_at_once(runner: asyncio.Runner) -> None:
    async def run() -> None:
        async def serve(writer: asyncio.StreamWriter) -> None:
            writer.write(framed(b"x" * 100)[:50])
            await writer.drain()
            writer.close()

        async with connected(serve) as (connection, task):
            await asyncio.wait({task}, timeout=10)
            assert isinstance(task.exception(), asyncio.IncompleteReadError)
            assert connection.answers == []

    runner.run(run())


def test_a_connection_that_nobody_holds_any_more_is_left(runner: asyncio.Runner) -> None:
    async def run() -> None:
        wait_for_whole_answers()
        assert await AIOKafkaConnection._read(lambda: None) is None

    runner.run(run())
