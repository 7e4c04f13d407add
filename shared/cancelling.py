"""Tells the end that somebody asked a task for from one that leaked out of a library, and from one that got lost in another error."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from shared.errors import Retryable


class Interrupted(Retryable):
    """A library cancelled a task of its own and let that out to us; nobody asked us to end."""


def is_asked_to_end() -> bool:
    """Whether somebody has cancelled the running task, also where an error that came at the same moment has hidden it.

    A connection that breaks while a statement over it is being cancelled raises its own error: a loop that goes on after errors
    would go on then for ever, and whoever waits for its end would, too.
    """
    task = asyncio.current_task()
    return task is not None and bool(task.cancelling())


@contextmanager
def only_own_end() -> Iterator[None]:
    """Let a cancellation of the running task pass, and turn any other into Interrupted.

    A loop that took the other for its own would end in silence, and what it works on would stand still: asyncio takes a
    task that was cancelled for one that is done, and reports nothing.
    """
    try:
        yield
    except asyncio.CancelledError as error:
        if is_asked_to_end():
            raise
        raise Interrupted from error
