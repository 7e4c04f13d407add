"""Ids of the intake are remembered for a bounded time."""

from datetime import UTC, datetime, timedelta

import pytest

from shared.messaging import Limits
from shared.service import chores as module
from shared.service.chores import Chores
from tests.integration.messaging.messaging_stage import a_stage, intake_record

pytestmark = pytest.mark.servers


async def test_old_ids_of_the_intake_are_forgotten_by_and_by_and_a_recent_copy_is_still_known(
    environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "FORGET_BATCH", 2)
    async with a_stage(environment) as stage:
        limits = Limits(seen_days=90)
        consumer = stage.consumer(limits=limits)
        await stage.assign(consumer)
        await consumer.process([intake_record(n, f"R{n}", name=f"N{n}") for n in range(4)])
        old = datetime.now(UTC) - timedelta(days=91)
        async with stage.database.connection() as connection:
            await connection.execute(
                "update seen set seen_at = case when id in (select id from seen limit 3) then $1::timestamptz else now() end", old
            )
        chores = Chores(stage.database, [], [], limits, "test-1", lambda: None, lambda: False)

        assert [await chores.forget_seen(), await chores.forget_seen()] == [True, False]

        (left,) = await stage.rows("select count(*) as ids from seen")
        assert left == {"ids": 1}
        await consumer.process([intake_record(4 + n, f"R{n}", name=f"N{n}", id_=f"e-{n}") for n in range(4)])
        outcomes = await stage.rows("select outcome, sum(events)::int as events from flow group by outcome order by outcome")
        assert outcomes == [{"outcome": "handled", "events": 7}, {"outcome": "repeat", "events": 1}]
