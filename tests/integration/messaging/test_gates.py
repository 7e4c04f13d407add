import asyncio
from uuid import uuid4

import pytest

from shared.contracts.topics import WORKERS
from shared.errors import Retryable
from shared.messaging.fuse import Blown
from tests.integration.messaging.messaging_stage import DEAD, Stage, intake_record, own_record


async def test_a_key_that_fails_three_times_keeps_its_order_and_holds_nobody_up(stage: Stage) -> None:
    consumer = stage.consumer()
    await stage.assign(consumer)
    stage.ward.failures["first"] = [Retryable(), Retryable(), Retryable()]

    await consumer.process(
        [intake_record(0, "slow", name="first"), intake_record(1, "other", name="other"), intake_record(2, "slow", name="second")]
    )
    await consumer.process([intake_record(3, "slow", name="third"), intake_record(4, "quick", name="quick")])
    assert await stage.notes() == ["other", "quick"]
    await stage.release_all(consumer)

    assert await stage.notes() == ["other", "quick", "first", "second", "third"]
    outcomes = await stage.rows("select outcome, sum(events)::int as events from flow group by outcome having sum(events) <> 0")
    assert outcomes == [{"outcome": "handled", "events": 5}]


@pytest.mark.parametrize("is_in_one_batch", [True, False])
async def test_a_copy_that_waits_behind_a_gate_is_still_known_as_one(stage: Stage, *, is_in_one_batch: bool) -> None:
    consumer = stage.consumer()
    await stage.assign(consumer)
    stage.ward.failures["second"] = [Retryable()]
    originals = [intake_record(0, "key", name="first", id_="a"), intake_record(1, "key", name="second", id_="b")]
    copies = [intake_record(2, "key", name="first", id_="a"), intake_record(3, "key", name="second", id_="b")]

    for batch in [originals + copies] if is_in_one_batch else [originals, copies]:
        await consumer.process(batch)
    await stage.release_all(consumer)

    assert await stage.notes() == ["first", "second"]
    outcomes = await stage.rows("select outcome, sum(events)::int as events from flow group by outcome having sum(events) <> 0")
    assert sorted(outcomes, key=str) == [{"outcome": "handled", "events": 2}, {"outcome": "repeat", "events": 2}]


async def test_a_gate_keeps_a_key_in_order_across_two_processes(stage: Stage) -> None:
    ours, theirs = stage.consumer(is_intake=False), stage.consumer(is_intake=False)
    await stage.assign(ours, WORKERS.name)
    key = uuid4()
    stage.ward.failures["n1"] = [Retryable() for _ in range(4)]
    for number in range(1, 30):
        batch = [own_record(number - 1, key, number, f"n{number}")]
        await asyncio.gather(ours.process(batch), ours.release(), theirs.release())
    await stage.release_all(ours, theirs)

    assert await stage.notes() == [f"n{number}" for number in range(1, 30)]


async def test_a_copy_is_dropped_and_a_gap_waits_for_what_is_missing(stage: Stage) -> None:
    consumer = stage.consumer(is_intake=False)
    await stage.assign(consumer, WORKERS.name)
    key = uuid4()

    await consumer.process([own_record(0, key, 4, "n4"), own_record(1, key, 4, "n4"), own_record(2, key, 6, "n6")])
    assert await stage.notes() == ["n4"]
    assert await stage.rows("select reason from gate") == [{"reason": "sequence_gap"}]
    await consumer.process([own_record(3, key, 5, "n5")])
    await stage.release_all(consumer)

    assert await stage.notes() == ["n4", "n5", "n6"]


async def test_an_own_event_that_never_succeeds_holds_its_key_until_somebody_looks(stage: Stage) -> None:
    consumer = stage.consumer(is_intake=False)
    await stage.assign(consumer, WORKERS.name)
    key = uuid4()
    stage.ward.failures["n1"] = [Retryable() for _ in range(50)]

    await consumer.process([own_record(0, key, 1, "n1"), own_record(1, key, 2, "n2")])
    await stage.release_all(consumer)

    assert await stage.rows("select is_held, reason from gate") == [{"is_held": True, "reason": "Retryable"}]
    assert await stage.rows("select count(*)::int as waiting from parked") == [{"waiting": 2}]
    assert await stage.notes() == []


async def test_an_intake_event_that_never_succeeds_becomes_a_dead_letter_and_frees_its_key(stage: Stage) -> None:
    consumer = stage.consumer()
    await stage.assign(consumer)
    stage.ward.failures["broken"] = [Retryable() for _ in range(50)]

    await consumer.process([intake_record(0, "r", name="broken"), intake_record(1, "r", name="good")])
    await stage.release_all(consumer)

    assert await stage.notes() == ["good"]
    assert await stage.rows("select reason, attempts from dead_letters") == [
        {"reason": "attempts_exhausted_Retryable", "attempts": 8}
    ]


async def test_too_many_waiting_keys_stop_the_consumer_and_move_nothing(stage: Stage) -> None:
    consumer = stage.consumer(gates=2)
    await stage.assign(consumer)
    for number in range(3):
        stage.ward.failures[f"n{number}"] = [Retryable() for _ in range(50)]

    with pytest.raises(Blown, match="gates_full"):
        await consumer.process([intake_record(n, f"r{n}", name=f"n{n}") for n in range(3)])

    assert await stage.rows("select next_offset from progress") == [{"next_offset": 0}]
    assert await stage.rows("select 1 from parked") == []


async def test_records_of_the_intake_rest_sealed_while_they_wait_and_after_they_died(stage: Stage) -> None:
    consumer = stage.consumer()
    await stage.assign(consumer)
    stage.ward.failures |= {"Wahyuningsih": [Retryable() for _ in range(50)], "Hardjosoemantri": [DEAD]}

    await consumer.process([intake_record(0, "a", name="Wahyuningsih"), intake_record(1, "b", name="Hardjosoemantri")])

    kept = await stage.rows("select record from parked union all select record from dead_letters")
    assert len(kept) == 2
    for row in kept:
        assert isinstance(row["record"], bytes)
        assert not any(word in row["record"] for word in (b"Wahyu", b"Hardjo", b"3273010101900001", b"V2FoeXVuaW5nc2lo"))
    assert await stage.rows("select count(*)::int as n from progress where next_offset = 2") == [{"n": 1}]
