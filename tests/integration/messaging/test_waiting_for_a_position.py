"""A batch that had to wait for its positions judges its records by what was committed meanwhile."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from uuid import uuid4

from shared.storage import Tx, load_queries
from shared.testing import eventually
from tests.integration.messaging.messaging_stage import Stage, own_record

LETTERS = load_queries("shared.storage", "letters.sql")
GROUP, TOPIC = "registration.workers", "registration.workers"
LATER = datetime(2999, 1, 1, tzinfo=UTC)


async def test_a_key_whose_gate_was_opened_while_the_batch_waited_has_to_wait(stage: Stage) -> None:
    consumer, key = stage.consumer(is_intake=False), uuid4()
    await stage.assign(consumer, TOPIC)

    async def put_back(tx: Tx) -> None:
        await tx.execute(LETTERS["put_back"], GROUP, [TOPIC], [str(key)], LATER)

    await meanwhile(stage, put_back, consumer.process([own_record(0, key, 1, "first"), own_record(1, uuid4(), 1, "other")]))

    assert await stage.notes() == ["other"]
    assert await parked(stage) == [str(key)]


async def test_numbers_that_were_met_while_the_batch_waited_are_met(stage: Stage) -> None:
    consumer, key = stage.consumer(is_intake=False), uuid4()
    await stage.assign(consumer, TOPIC)

    await consumer.process([own_record(0, key, 1, "n1")])

    async def go_past(tx: Tx) -> None:
        """Settle the second record, as another process of the group does."""
        await tx.execute("update heard set sequence = 2, applied = 2")
        await tx.execute("update progress set next_offset = 2")

    await meanwhile(stage, go_past, consumer.process([own_record(n, key, n + 1, f"n{n + 1}") for n in (1, 2)]))

    assert await stage.notes() == ["n1", "n3"]
    assert await parked(stage) == []


async def meanwhile(stage: Stage, change: Callable[[Tx], Awaitable[None]], batch: Awaitable[None]) -> None:
    """Hold the topic's positions, let the batch come to them, change something, and let go."""
    async with stage.database.transaction() as tx:
        await tx.execute(LETTERS["lock_topics"], GROUP, [TOPIC])
        waiting = asyncio.ensure_future(batch)
        await eventually(lambda: is_waiting(stage), within=10, what="the batch waiting for its positions")
        await change(tx)
    await waiting


async def is_waiting(stage: Stage) -> bool:
    rows = await stage.rows(
        "select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock' and query like '%progress%'"
    )
    return bool(rows)


async def parked(stage: Stage) -> list[object]:
    return [row["key"] for row in await stage.rows("select key from parked order by seq")]
