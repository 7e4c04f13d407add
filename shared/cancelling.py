"""Tells the end that somebody asked a task for from one that leaked out of a library."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from shared.errors import Retryable


class Interrupted(Retryable):
    """A library cancelled a task of its own and let that out to us; nobody asked us to end."""


@contextmanager
def only_own_end() -> Iterator[None]:
    """Let a cancellation of the running task pass, and turn any other into Interrupted.

    A loop that took the other for its own would end in silence, and what it works on would stand still: asyncio takes a
    task that was cancelled for one that is done, and reports nothing.
    """
    try:
        yield
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        raise Interrupted from error
