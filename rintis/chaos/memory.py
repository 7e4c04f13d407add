"""How much memory each process takes while a run lasts."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import psutil

from rintis.chaos.stage import Stage
from shared.messaging.limits import MOST_RESIDENT_BYTES

SAMPLE_SECONDS = 2.0
MEGABYTE = 1 << 20
BOUND_MEGABYTES = MOST_RESIDENT_BYTES // MEGABYTE
"""What each process has promised to stay under, servers away or not."""


class Memory:
    """What each slot's processes have held."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self.lines: dict[str, list[tuple[float, float]]] = {}
        """What each slot held when, in bytes at seconds since the epoch."""

    @asynccontextmanager
    async def watched(self) -> AsyncIterator[None]:
        """Take samples while the block runs."""
        task = asyncio.create_task(self._sample())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    def as_dict(self) -> dict[str, dict[str, float]]:
        """Return what was held first and at most, in megabytes by slot."""
        held = {slot: [size / MEGABYTE for _, size in line] for slot, line in sorted(self.lines.items())}
        return {slot: {"first": round(sizes[0]), "peak": round(max(sizes))} for slot, sizes in held.items()}

    def above_bound(self) -> list[str]:
        """Return the slots whose processes have held more than they may."""
        return [slot for slot, row in self.as_dict().items() if row["peak"] > BOUND_MEGABYTES]

    async def _sample(self) -> None:
        while True:
            for name, slot in self._stage.slots.items():
                if slot.process.pid is None or slot.process.exit_code is not None:
                    continue
                try:
                    held = psutil.Process(slot.process.pid).memory_info().rss
                except psutil.NoSuchProcess:
                    continue
                self.lines.setdefault(name, []).append((time.time(), float(held)))
            await asyncio.sleep(SAMPLE_SECONDS)
