"""A TCP proxy on the loopback interface that can be made to behave like a bad network, one link at a time, while it runs."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, cast

from rintis.runtime.ports import LOOPBACK

CONNECT_SECONDS = 5.0
"""How long the proxy tries to reach a server before it closes the client's connection, as a refused one would be."""
LINGER_RESET = struct.pack("ii", 1, 0)
"""SO_LINGER with no time: closing sends RST instead of FIN."""


class Mode(StrEnum):
    """How a link treats what passes."""

    PASS = "pass"  # noqa: S105 - what a link does, no secret
    """As a good network does."""
    DELAY = "delay"
    """Everything arrives in order, `seconds` later."""
    RESET = "reset"
    """Open connections are reset, and so is every new one."""
    HALF_OPEN = "half-open"
    """The server's side of open connections is gone, and nobody tells the client; new connections are good."""
    BLACK_HOLE = "black-hole"
    """Nothing passes in either direction, and nobody is told; afterwards everything arrives, as TCP repeats it."""
    MUTE_CLIENT = "mute-client"
    """What the client says is held back; what the server says arrives."""
    MUTE_SERVER = "mute-server"
    """What the server says is held back; what the client says arrives."""


HOLDS_CLIENT = (Mode.BLACK_HOLE, Mode.MUTE_CLIENT)
HOLDS_SERVER = (Mode.BLACK_HOLE, Mode.MUTE_SERVER)


class Link:
    """One listening port and the servers behind it, tried in turn for each new connection."""

    def __init__(self, port: int, targets: Sequence[int]) -> None:
        self.port = port
        self.mode = Mode.PASS
        self.delay_seconds = 0.0
        self.pairs: set[Pair] = set()
        self._targets = list(targets)
        self._next = 0
        self._server: asyncio.Server | None = None

    @property
    def address(self) -> str:
        """Where clients connect to."""
        return f"{LOOPBACK}:{self.port}"

    async def open(self) -> None:
        """Listen."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: Pair(self).client, LOOPBACK, self.port, reuse_address=True)

    async def close(self) -> None:
        """Stop listening and drop every connection."""
        if self._server is not None:
            self._server.close()
        for pair in list(self.pairs):
            pair.reset()

    def behave(self, mode: Mode, seconds: float = 0.0) -> None:
        """Change what happens on this link from now on; `seconds` is the delay of DELAY, each way."""
        self.mode = mode
        self.delay_seconds = seconds if mode is Mode.DELAY else 0.0
        for pair in list(self.pairs):
            pair.apply(mode)

    def local_ports(self) -> set[int]:
        """Return the ports from which this link's connections reach their server: what the server knows of its clients."""
        return {pair.local_port for pair in self.pairs if pair.local_port}

    def turn(self) -> list[int]:
        """Return the servers' ports in the order in which the next connection tries them."""
        self._next += 1
        start = self._next % len(self._targets)
        return self._targets[start:] + self._targets[:start]


@dataclass(slots=True)
class Held:
    """Bytes that wait for their time."""

    due: float
    data: bytes


class Side(asyncio.Protocol):
    """One end of a proxied connection, and what waits to be written to the other end."""

    def __init__(self, pair: Pair) -> None:
        self.pair = pair
        self.other: Side | None = None
        self.transport: asyncio.Transport | None = None
        self.is_held = False
        self.is_dead = False
        self._waiting: deque[Held] = deque()
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the transport."""
        self.transport = cast("asyncio.Transport", transport)
        self.pair.joined(self)

    def data_received(self, data: bytes) -> None:
        """Pass on, now or later."""
        if self.is_dead:
            return
        delay = self.pair.link.delay_seconds
        if not (delay or self.is_held or self._waiting):
            self._write(data)
            return
        self._waiting.append(Held(asyncio.get_running_loop().time() + delay, data))
        self.flush()

    def flush(self) -> None:
        """Write what is due and set a timer for the rest."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        loop = asyncio.get_running_loop()
        while self._waiting and not self.is_held and self._other_is_there():
            if self._waiting[0].due > loop.time():
                self._timer = loop.call_at(self._waiting[0].due, self.flush)
                return
            self._write(self._waiting.popleft().data)

    def say_the_rest(self) -> None:
        """Write what waits, due or not: this end is closed."""
        while self._waiting and self._other_is_there():
            self._write(self._waiting.popleft().data)

    def hold(self, *, is_held: bool) -> None:
        """Hold back what this end says, or let it go on: what is held stays in the sender's own buffers."""
        if is_held == self.is_held:
            return
        self.is_held = is_held
        self.read(is_on=not is_held)
        self.flush()

    def read(self, *, is_on: bool) -> None:
        """Read from this end, or leave what it says with the operating system."""
        if self.transport is None or self.transport.is_closing():
            return
        if is_on and not self.is_held:
            self.transport.resume_reading()
        elif not is_on:
            self.transport.pause_reading()

    def pause_writing(self) -> None:
        """This end takes no more: stop reading from the other."""
        if self.other is not None:
            self.other.read(is_on=False)

    def resume_writing(self) -> None:
        """This end takes more again."""
        if self.other is not None:
            self.other.read(is_on=True)

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell the other end, after everything that was said."""
        self.pair.left(self, is_reset=exc is not None)

    def reset(self) -> None:
        """Close this end with RST."""
        if self.transport is None:
            return
        raw = self.transport.get_extra_info("socket")
        if raw is not None and raw.fileno() >= 0:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_RESET)
        self.transport.abort()

    def _write(self, data: bytes) -> None:
        if self.other is not None and self.other.transport is not None:
            self.other.transport.write(data)
        else:
            self._waiting.append(Held(0.0, data))

    def _other_is_there(self) -> bool:
        return self.other is not None and self.other.transport is not None


class Pair:
    """A client's connection and the one to its server that belongs to it."""

    def __init__(self, link: Link) -> None:
        self.link = link
        self.client = Side(self)
        self.server = Side(self)
        self.local_port = 0
        self._is_dead = False
        self._task: asyncio.Task[None] | None = None

    def joined(self, side: Side) -> None:
        """Go on once an end is connected."""
        if side is self.client:
            self.link.pairs.add(self)
            self.apply(self.link.mode)
            if self.link.mode is not Mode.RESET:
                self._task = asyncio.get_running_loop().create_task(self._connect())
            return
        self.local_port = int(cast("Any", side.transport).get_extra_info("sockname")[1])
        self.client.other, self.server.other = self.server, self.client
        self.apply(self.link.mode, is_new=True)
        self.client.flush()

    def apply(self, mode: Mode, *, is_new: bool = False) -> None:
        """Take over a link's new mode. A connection that became half open stays so: its server forgot it."""
        if mode is Mode.RESET:
            self.reset()
        elif mode is Mode.HALF_OPEN and not is_new and self.server.transport is not None:
            self._forget_server()
        elif not self._is_dead:
            self.client.hold(is_held=mode in HOLDS_CLIENT)
            self.server.hold(is_held=mode in HOLDS_SERVER)

    def left(self, side: Side, *, is_reset: bool) -> None:
        """Close the other end as this one was closed."""
        if side is self.client:
            self.link.pairs.discard(self)
            if self._task is not None:
                self._task.cancel()
        if self._is_dead and side is self.server:
            return
        other = self.server if side is self.client else self.client
        if other.transport is None or other.transport.is_closing():
            return
        if is_reset:
            other.reset()
        else:
            side.say_the_rest()
            other.transport.close()

    def reset(self) -> None:
        """End both connections with RST."""
        if self._task is not None:
            self._task.cancel()
        self.link.pairs.discard(self)
        self.client.reset()
        self.server.reset()

    async def _connect(self) -> None:
        loop = asyncio.get_running_loop()
        for port in self.link.turn():
            try:
                async with asyncio.timeout(CONNECT_SECONDS):
                    await loop.create_connection(lambda: self.server, LOOPBACK, port)
            except OSError:  # a TimeoutError is one too
                continue
            return
        self.reset()

    def _forget_server(self) -> None:
        self._is_dead = True
        self.client.is_dead = True
        self.client.hold(is_held=False)
        self.server.reset()
