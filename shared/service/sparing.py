"""Counts of whole tables, asked as often as anybody likes and made only as often as their cost allows."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

PAUSE_PER_SECOND = 19.0
"""Pause after a count of one second: counting takes a twentieth of the time at most, however many pages are open and rows there are.
Counts of small tables take milliseconds, so they are as fresh as they are asked for."""


class Sparing:
    """Answers from the last count until the next one is due; `counted_at` says of when the answer is.

    Who asks while a count is being made waits for that one.
    """

    def __init__(self, count: Callable[[], Awaitable[dict[str, Any]]], *, clock: Callable[[], float] = time.monotonic) -> None:
        self._count = count
        self._clock = clock
        self._lock = asyncio.Lock()
        self._due = float("-inf")
        self._last: dict[str, Any] = {}

    async def read(self) -> dict[str, Any]:
        """Return the counts and when they were made."""
        async with self._lock:
            began = self._clock()
            if began >= self._due:
                counts = await self._count()
                self._last = {**counts, "counted_at": datetime.now(UTC).isoformat()}
                ended = self._clock()
                self._due = ended + PAUSE_PER_SECOND * (ended - began)
        return self._last
