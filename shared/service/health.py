"""Whether a process lives, and whether it can do its work."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from shared.messaging import Reader

MAX_IDLE_SECONDS = 120.0
"""A handler busy for twice the longest batch is stuck."""


def find_lost(readers: Sequence[Reader]) -> list[str]:
    """Return the clients of which a task that must go on has ended by itself: they read nothing any more, and nobody is told."""
    return [reader.group for reader in readers if _has_ended(reader.subscriber)]


def _has_ended(subscriber: Any) -> bool:
    """Whether the loop that takes records, the client's part in the group, or its fetching has begun and ended."""
    client = subscriber.consumer
    parts = ("_coordinator", "_coordination_task"), ("_fetcher", "_fetch_task")
    own = [getattr(getattr(client, part, None), task, None) for part, task in parts]
    # A loop that failed is followed by the next one, and stays in the list.
    return any(task is not None and task.done() for task in own) or (
        bool(subscriber.tasks) and all(task.done() for task in subscriber.tasks)
    )


def consumer_troubles(readers: Sequence[Reader]) -> list[str]:
    """Return what is wrong with the clients themselves; the broker's own ping says nothing about them."""
    troubles: list[str] = []
    for reader in readers:
        subscriber: Any = reader.subscriber
        client = subscriber.consumer
        if not subscriber.running or client is None:
            troubles.append(f"{reader.group}: not running")
        elif _has_ended(subscriber):
            troubles.append(f"{reader.group}: reads no more")
        elif client._subscription.fetcher_idle_time > MAX_IDLE_SECONDS:  # noqa: SLF001 - the only place that knows
            troubles.append(f"{reader.group}: busy with one batch for too long")
    return troubles
