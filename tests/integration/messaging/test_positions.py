import pytest

from shared.errors import DatabaseRestored
from tests.integration.messaging.messaging_stage import INTAKE_TOPIC, Stage, intake_record


async def test_a_batch_delivered_twice_changes_nothing(stage: Stage) -> None:
    consumer = stage.consumer()
    await stage.assign(consumer)
    batch = [intake_record(n, f"r{n}") for n in range(10)]

    await consumer.process(batch)
    consumer.positions.reading[INTAKE_TOPIC, 0] = 0
    await consumer.process(batch)

    assert len(await stage.notes()) == 10
    assert await stage.rows("select outcome, sum(events)::int as events from flow group by outcome") == [
        {"outcome": "handled", "events": 10}
    ]


async def test_a_zombie_after_a_rebalance_is_fenced(stage: Stage) -> None:
    zombie, heir = stage.consumer(), stage.consumer()
    await stage.assign(zombie)
    await stage.assign(heir)
    batch = [intake_record(n, f"r{n}") for n in range(6)]

    await heir.process(batch)
    after_heir = await stage.rows("select next_offset, last_event_id from progress")
    await zombie.process(batch[:4])

    assert len(await stage.notes()) == 6
    assert after_heir[0]["next_offset"] == 6
    # Offset and event stay one pair: the next start compares that event with the record before the offset.
    assert await stage.rows("select next_offset, last_event_id from progress") == after_heir


async def test_a_database_that_is_restored_under_a_running_consumer_is_named_and_nothing_is_written(stage: Stage) -> None:
    consumer = stage.consumer()
    await stage.assign(consumer)
    await consumer.process([intake_record(n, f"r{n}") for n in range(5)])
    await stage.rows("update progress set next_offset = 2")

    with pytest.raises(DatabaseRestored, match=r"kemnaker/0 up to 5, but the database says 2"):
        await consumer.process([intake_record(5, "r5")])

    assert len(await stage.notes()) == 5


async def test_holes_in_the_log_do_not_look_like_a_loss(stage: Stage) -> None:
    consumer = stage.consumer()
    await stage.assign(consumer)

    await consumer.process([intake_record(0, "r0"), intake_record(3, "r3")])
    await consumer.process([intake_record(7, "r7")])

    assert len(await stage.notes()) == 3
    assert await stage.rows("select next_offset from progress") == [{"next_offset": 8}]


async def test_a_database_that_forgot_a_position_is_named(stage: Stage) -> None:
    consumer = stage.consumer()
    await stage.assign(consumer)
    await stage.rows("delete from progress")

    with pytest.raises(DatabaseRestored, match="restored or emptied"):
        await consumer.process([intake_record(0, "r0")])


async def test_an_event_sent_five_times_by_its_publisher_is_handled_once(stage: Stage) -> None:
    consumer = stage.consumer()
    await stage.assign(consumer)

    await consumer.process([intake_record(n, "r", id_="same") for n in range(3)])
    await consumer.process([intake_record(n, "r", id_="same") for n in range(3, 5)])

    assert len(await stage.notes()) == 1
    outcomes = await stage.rows("select outcome, sum(events)::int as events from flow group by outcome order by outcome")
    assert outcomes == [{"outcome": "handled", "events": 1}, {"outcome": "repeat", "events": 4}]
