"""What waits in this process' part of the work, for the live page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from shared.messaging import Consumer
from shared.messaging.pacing import count_unread
from shared.storage import Database, load_queries

SQL = load_queries("shared.storage")


async def read_queues(database: Database, consumers: Sequence[Consumer]) -> list[dict[str, Any]]:
    """Return for each consumer what it has not read, what waits at gates and what is dead, and the outbox.

    What is unread is this process' share: the partitions it holds, as far as the broker's last answers go.
    """
    async with database.connection() as connection:
        rows = {row["consumer"]: row for row in await connection.fetch(SQL["count_shelved"])}
        outbox = await connection.fetchrow(SQL["measure_outbox"])
    queues = [
        {"queue": consumer.group, "waiting": unread(consumer), **_shelved(rows.get(consumer.group))} for consumer in consumers
    ]
    return [*queues, {"queue": "outbox", "waiting": outbox["waiting"] if outbox else 0, **_shelved(None)}]


def unread(consumer: Consumer) -> int:
    """Return how many records lie between a consumer's positions and the ends that the broker last told."""
    client: Any = consumer.reader.subscriber.consumer
    return 0 if client is None else count_unread(client, consumer.pipeline.positions.reading)


def _shelved(row: Any) -> dict[str, int]:
    return {"parked": row["parked"] if row else 0, "held": row["held"] if row else 0, "dead": row["dead"] if row else 0}
