"""The generator as the bench sees it."""

from __future__ import annotations

import asyncio
import json
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from rintis.bench.loads import Load
from rintis.runtime.errors import CannotStart
from rintis.runtime.state import ROOT

END_SECONDS = 10.0
"""For a generator to end after its input has."""


@dataclass(frozen=True, slots=True)
class Published:
    """What the generator says of an order; times are seconds since the epoch."""

    began: float
    ended: float
    late: float
    """How much later than scheduled the latest record was sent, in seconds."""


class Feeder:
    """A started generator."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self.pid = process.pid
        self.published = 0

    async def publish(self, count: int, per_second: float = 0.0) -> Published:
        """Publish the next records, at a pace or as fast as possible, and return once all are acknowledged."""
        await self.order(count, per_second)
        return await self.answer()

    async def order(self, count: int, per_second: float = 0.0) -> None:
        """Tell the generator what to publish next; orders queue up."""
        if self._process.stdin is None:
            raise CannotStart("The generator cannot be spoken to.")
        self._process.stdin.write(json.dumps({"count": count, "per_second": per_second}).encode() + b"\n")
        await self._process.stdin.drain()
        self.published += count

    async def answer(self) -> Published:
        """Return the answer to the oldest order that has none yet."""
        return Published(**await self.read())

    async def read(self) -> dict[str, Any]:
        """Return the next line of the generator."""
        line = await self._process.stdout.readline() if self._process.stdout else b""
        if not line:
            raise CannotStart("The generator ended; what it said stands above.")
        found: dict[str, Any] = json.loads(line)
        return found


@asynccontextmanager
async def feeding(load: Load, bootstrap: str, clock: str) -> AsyncIterator[Feeder]:
    """Lend a generator that is ready to publish a load."""
    command = (sys.executable, "-m", "rintis.bench.generator", str(load.path), bootstrap, clock)
    process = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdin=PIPE, stdout=PIPE, start_new_session=True)
    try:
        feeder = Feeder(process)
        await feeder.read()
        yield feeder
    finally:
        if process.stdin is not None:
            process.stdin.close()
        try:
            await asyncio.wait_for(process.wait(), END_SECONDS)
        except TimeoutError:
            process.kill()
            await process.wait()
