"""What operators see of notification: messages by channel and state, tasks by dinas and state."""

from __future__ import annotations

from collections import Counter
from typing import Any

from services.notification.repository import messages, tasks
from shared.clock import Clock
from shared.storage import Database


async def read_overview(database: Database, clock: Clock) -> dict[str, Any]:
    """Return counts of messages and tasks."""
    async with database.connection() as connection:
        by_channel = await messages.count_messages(connection)
        by_dinas = await tasks.count_tasks(connection, clock.now())
    counts = Counter[str]()
    for row in by_channel:
        counts[row["state"]] += row["messages"]
    return {"counts": dict(counts), "messages": by_channel, "tasks": by_dinas}
