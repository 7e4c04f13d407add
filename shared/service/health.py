"""Whether a process lives, and whether it can do its work."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from shared.messaging import Consumer

MAX_IDLE_SECONDS = 120.0
"""A handler busy for twice the longest batch is stuck."""


def find_lost(consumers: Sequence[Consumer]) -> list[str]:
    """Return the consumers whose client has ended its part in the group on an error of its own: they read nothing any more."""
    clients = {consumer.group: getattr(consumer.subscriber, "consumer", None) for consumer in consumers}
    tasks = {group: getattr(client._coordinator, "_coordination_task", None) for group, client in clients.items() if client}  # noqa: SLF001 - the only place that knows
    return [group for group, task in tasks.items() if task is not None and task.done()]


def consumer_troubles(consumers: Sequence[Consumer]) -> list[str]:
    """Return what is wrong with the consumers themselves; the broker's own ping says nothing about them."""
    troubles: list[str] = []
    for consumer in consumers:
        subscriber: Any = consumer.subscriber
        client = subscriber.consumer
        if not subscriber.running or client is None:
            troubles.append(f"{consumer.group}: not running")
        elif any(task.done() for task in subscriber.tasks):
            troubles.append(f"{consumer.group}: its loop ended")
        elif client._subscription.fetcher_idle_time > MAX_IDLE_SECONDS:  # noqa: SLF001 - the only place that knows
            troubles.append(f"{consumer.group}: busy with one batch for too long")
    return troubles
