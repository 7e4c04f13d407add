"""How much memory each process takes while a run lasts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import psutil

from rintis.chaos.stage import Stage

SAMPLE_SECONDS = 1.0
MEGABYTE = 1 << 20


class Memory:
    """The most that each slot's processes have held, in megabytes, and what they held when the watch began."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self.first: dict[str, float] = {}
        self.peak: dict[str, float] = {}

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
        """Return both by slot, for JSON."""
        return {slot: {"first": round(self.first[slot]), "peak": round(self.peak[slot])} for slot in sorted(self.peak)}

    async def _sample(self) -> None:
        while True:
            for name, slot in self._stage.slots.items():
                if slot.process.pid is None or slot.process.exit_code is not None:
                    continue
                try:
                    held = psutil.Process(slot.process.pid).memory_info().rss / MEGABYTE
                except psutil.NoSuchProcess:
                    continue
                self.first.setdefault(name, held)
                self.peak[name] = max(held, self.peak.get(name, 0.0))
            await asyncio.sleep(SAMPLE_SECONDS)
