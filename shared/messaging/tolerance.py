"""What keeps one bad record from costing its batch inside the framework: a parser and a decoder that never raise."""

from __future__ import annotations

import asyncio
import dataclasses
import random
from collections.abc import Awaitable, Callable, Sequence
from types import TracebackType
from typing import Any

from faststream import BaseMiddleware

BACKOFF_FIRST_SECONDS = 0.2
"""First pause after a batch that was given back: longer than a lock, shorter than anybody notices."""
BACKOFF_LONGEST_SECONDS = 10.0
"""Longest pause: after an outage work goes on within this."""


async def tolerant_parser(records: Sequence[Any], original: Callable[[Any], Awaitable[Any]]) -> Any:
    """Parse a batch; null or non-UTF-8 headers, which make the framework drop the batch, are hidden from it.

    Our own reader takes everything from the raw records and judges each: one bare record is all that the framework needs to see.
    """
    message = await original((dataclasses.replace(records[0], headers=()),))
    message.raw_message = records
    return message


async def keep_records(message: Any) -> Any:
    """Hand the raw records to the handler: each is decoded, and judged, by itself."""
    return message.raw_message


class Backoff(BaseMiddleware):
    """Waits after a failed batch, longer each time, so that a fault is not hammered on."""

    failures = 0

    async def after_processed(
        self,
        exc_type: type[BaseException] | None = None,
        exc_val: BaseException | None = None,
        exc_tb: TracebackType | None = None,
    ) -> bool | None:
        """Pause after an error; a success forgets the failures before it."""
        if exc_type is not None and issubclass(exc_type, Exception):
            Backoff.failures += 1
            delay = min(BACKOFF_LONGEST_SECONDS, BACKOFF_FIRST_SECONDS * 2.0 ** min(Backoff.failures, 10))
            await asyncio.sleep(delay * random.uniform(0.5, 1.0))  # noqa: S311 - spreads load, guards nothing
        else:
            Backoff.failures = 0
        return await super().after_processed(exc_type, exc_val, exc_tb)
