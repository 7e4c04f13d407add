import asyncio
from collections.abc import Sequence
from uuid import uuid4

import pytest

from shared.clock import Clock
from shared.contracts.envelope import Event
from shared.errors import Retryable, Unprocessable
from shared.messaging import Limits, Received
from shared.messaging.actions import Filter, NotPossible
from shared.messaging.records import Reader
from shared.storage import Tx
from tests.integration.messaging.messaging_stage import DEAD, QUICK, Stage, Ward, intake_record, own_record
from tests.integration.messaging.redrive_stage import ANA, BUDI, a_desk


async def test_after_a_repair_a_dead_letter_is_handled_and_leaves_the_list_with_its_story(stage: Stage) -> None:
    desk = await a_desk(stage)
    stage.ward.failures["broken"] = [DEAD]
    await desk.consumer.process([intake_record(0, "a", name="broken"), intake_record(1, "b", name="good")])

    action = await desk.ask(reason="box_unreadable")
    done = await desk.carry_out(action)

    assert await stage.notes() == ["good", "broken"]
    assert (done["state"], done["outcomes"], done["asked_by"], done["why"]) == (
        "done",
        {"fixed": 1},
        ANA,
        "the policy was repaired",
    )
    assert await desk.letters() == [{"state": "fixed", "reason": "box_unreadable", "attempts": 1, "action": None}]
    assert await desk.ledger() == {"handled": 2}
    assert await desk.actions.count(Filter()) == []


async def test_several_letters_of_a_key_are_handled_in_their_first_order(stage: Stage) -> None:
    desk = await a_desk(stage, is_intake=False)
    keys = [uuid4() for _ in range(3)]
    for number in range(1, 6):
        stage.ward.failures |= {f"k{k}n{number}": [DEAD] for k in range(3)}
    records = [own_record(3 * n + k, key, n + 1, f"k{k}n{n + 1}") for n in range(5) for k, key in enumerate(keys)]
    await desk.consumer.process(records)
    assert await stage.notes() == []
    stage.ward.failures.clear()

    done = await desk.carry_out(await desk.ask(per_second=2))

    assert done["outcomes"] == {"fixed": 15}
    notes = await stage.notes()
    assert [[note for note in notes if note.startswith(f"k{k}")] for k in range(3)] == [
        [f"k{k}n{n}" for n in range(1, 6)] for k in range(3)
    ]


async def test_what_newer_truth_has_overtaken_is_named_and_not_applied(stage: Stage) -> None:
    desk = await a_desk(stage, is_intake=False)
    old, other = uuid4(), uuid4()
    stage.ward.failures = {"old1": [DEAD], "other1": [DEAD], "other2": [DEAD]}
    await desk.consumer.process([own_record(0, old, 1, "old1"), own_record(1, old, 2, "old2")])
    await desk.consumer.process([own_record(2, other, 1, "other1"), own_record(3, other, 2, "other2")])

    counts = await desk.actions.count(Filter())
    done = await desk.carry_out(action := await desk.ask())

    assert [(row["entries"], row["superseded"]) for row in counts] == [(3, 1)]
    assert done["outcomes"] == {"fixed": 2, "superseded": 1}
    assert await stage.notes() == ["old2", "other1", "other2"]
    named = await desk.actions.outcomes(action, "superseded", 10)
    assert [(row["record_offset"], row["reason"]) for row in named] == [(0, "newer_truth")]


async def test_a_newer_event_that_comes_meanwhile_waits_behind_what_was_put_back(stage: Stage) -> None:
    desk = await a_desk(stage, is_intake=False)
    key = uuid4()
    stage.ward.failures["n1"] = [DEAD]
    await desk.consumer.process([own_record(0, key, 1, "n1")])

    action = await desk.ask()
    await desk.redrive.step()
    await desk.consumer.process([own_record(1, key, 2, "n2")])
    assert await stage.notes() == []
    done = await desk.carry_out(action)

    assert done["outcomes"] == {"fixed": 1}
    assert await stage.notes() == ["n1", "n2"]


async def test_a_redrive_waits_for_the_batch_in_hand_and_sees_what_it_has_done(stage: Stage) -> None:
    desk = await a_desk(stage, is_intake=False)
    key = uuid4()
    stage.ward.failures["n1"] = [DEAD]
    await desk.consumer.process([own_record(0, key, 1, "n1")])
    action = await desk.ask()
    ward, is_in_hand, may_end = stage.ward, asyncio.Event(), asyncio.Event()

    async def slowly(tx: Tx, batch: Sequence[Received[Event]], prepared: object) -> None:
        await Ward.apply(ward, tx, batch, prepared)
        is_in_hand.set()
        await may_end.wait()

    ward.apply = slowly  # type: ignore[assignment,method-assign]  # a batch that takes its time
    batch = asyncio.create_task(desk.consumer.process([own_record(1, key, 2, "n2")]))
    await is_in_hand.wait()
    step = asyncio.create_task(desk.redrive.step())
    done, _ = await asyncio.wait({step}, timeout=0.5)
    may_end.set()
    await asyncio.gather(batch, step)

    assert not done
    assert (await desk.carry_out(action))["outcomes"] == {"superseded": 1}
    assert await stage.notes() == ["n2"]


async def test_a_letter_that_fails_again_is_back_on_the_list_with_its_attempts_counted(stage: Stage) -> None:
    desk = await a_desk(stage)
    stage.ward.failures["broken"] = [DEAD, Unprocessable("still_broken", "facts"), Retryable()]
    await desk.consumer.process([intake_record(0, "a", name="broken")])

    first = await desk.carry_out(await desk.ask())
    assert first["outcomes"] == {"failed": 1}
    assert await desk.letters() == [{"state": "open", "reason": "still_broken", "attempts": 2, "action": None}]
    assert await desk.ledger() == {"dead": 1}
    second = await desk.carry_out(await desk.ask())

    assert second["outcomes"] == {"fixed": 1}
    assert await stage.notes() == ["broken"]
    story = await desk.actions.history((await stage.rows("select id from dead_letters"))[0]["id"])  # type: ignore[arg-type]  # a UUID
    assert [(row["outcome"], row["reason"]) for row in story] == [("failed", "still_broken"), ("fixed", "handled")]


async def test_a_letter_that_only_ever_waits_is_tried_as_often_as_any_and_then_back_on_the_list(stage: Stage) -> None:
    desk = await a_desk(stage, is_intake=False)
    key = uuid4()
    stage.ward.failures["n1"] = [DEAD, *[Retryable() for _ in range(50)]]
    await desk.consumer.process([own_record(0, key, 1, "n1"), own_record(1, key, 2, "n2")])

    done = await desk.carry_out(await desk.ask())

    assert done["outcomes"] == {"superseded": 1}, "its follower was handled long ago"
    stage.ward.failures["m1"] = [DEAD, *[Retryable() for _ in range(50)]]
    await desk.consumer.process([own_record(2, uuid4(), 1, "m1")])
    done = await desk.carry_out(await desk.ask())
    assert done["outcomes"] == {"failed": 1}
    assert (await desk.letters())[1]["reason"] == "attempts_exhausted_Retryable"
    assert await stage.rows("select 1 from gate") == []


async def test_a_true_copy_is_dropped_while_the_letter_itself_gets_through(stage: Stage) -> None:
    desk = await a_desk(stage)
    stage.ward.failures["broken"] = [Retryable() for _ in range(8)]
    await desk.consumer.process([intake_record(0, "a", name="broken", id_="same")])
    await stage.release_all(desk.consumer)
    await desk.consumer.process([intake_record(1, "a", name="broken", id_="same")])
    assert await stage.notes() == []

    done = await desk.carry_out(await desk.ask())
    await desk.consumer.process([intake_record(2, "a", name="broken", id_="same")])

    assert done["outcomes"] == {"fixed": 1}
    assert await stage.notes() == ["broken"]
    assert await desk.ledger() == {"handled": 1, "repeat": 2}


async def test_a_letter_that_can_be_read_after_an_upgrade_changes_nothing_where_a_copy_of_it_was_handled(stage: Stage) -> None:
    desk = await a_desk(stage)
    upgraded, desk.consumer._reader = desk.consumer._reader, Reader({}, is_intake=True, clock=Clock())
    await desk.consumer.process([intake_record(0, "a", id_="same"), intake_record(1, "b", id_="other")])
    desk.consumer._reader = upgraded
    await desk.consumer.process([intake_record(2, "a", id_="same")])

    done = await desk.carry_out(action := await desk.ask(reason="type_unknown"))

    assert done["outcomes"] == {"fixed": 1, "superseded": 1}
    named = await desk.actions.outcomes(action, "superseded", 10)
    assert [(row["record_offset"], row["reason"]) for row in named] == [(0, "handled_by_a_copy")]
    assert await stage.rows("select key, count(*)::int as n from effects group by key order by key") == [
        {"key": "a", "n": 1},
        {"key": "b", "n": 1},
    ]


async def test_two_requests_for_the_same_letters_do_nothing_twice(stage: Stage) -> None:
    desk = await a_desk(stage)
    stage.ward.failures = {f"n{n}": [DEAD] for n in range(20)}
    for n in range(20):
        await desk.consumer.process([intake_record(n, f"r{n}", name=f"n{n}")])

    first = await desk.ask()
    with pytest.raises(NotPossible, match="No entry fits"):
        await desk.ask(by=BUDI)
    done = await desk.carry_out(first)

    assert done["outcomes"] == {"fixed": 20}
    assert sorted(await stage.notes()) == sorted(f"n{n}" for n in range(20))


async def test_a_cancelled_redrive_leaves_the_rest_on_the_list_for_the_next(stage: Stage) -> None:
    desk = await a_desk(stage)
    stage.ward.failures = {f"n{n}": [DEAD] for n in range(20)}
    for n in range(20):
        await desk.consumer.process([intake_record(n, f"r{n}", name=f"n{n}")])

    action = await desk.ask(per_second=5)
    await desk.redrive.step()
    await desk.actions.cancel(action, BUDI)
    await stage.release_all(desk.consumer)
    half = await desk.action(action)
    rest = await desk.carry_out(await desk.ask())

    assert (half["state"], half["ended_by"], half["outcomes"]) == ("cancelled", BUDI, {"fixed": 5, "cancelled": 15})
    assert rest["outcomes"] == {"fixed": 15}
    assert sorted(await stage.notes()) == sorted(f"n{n}" for n in range(20))


async def test_a_redrive_that_mends_nothing_stops_by_itself(stage: Stage) -> None:
    desk = await a_desk(stage)
    stage.ward.failures = {f"n{n}": [DEAD] * 2 for n in range(60)}
    for n in range(60):
        await desk.consumer.process([intake_record(n, f"r{n}", name=f"n{n}")])

    done = await desk.carry_out(await desk.ask(per_second=25))

    assert (done["state"], done["ended_because"]) == ("stopped", "too_many_failed_again")
    assert done["outcomes"] == {"failed": 25, "cancelled": 35}
    assert {row["state"] for row in await desk.letters()} == {"open"}


async def test_a_held_key_goes_on_once_an_operator_says_so(stage: Stage) -> None:
    desk = await a_desk(stage, is_intake=False)
    key = uuid4()
    stage.ward.failures["n1"] = [Retryable() for _ in range(8)]
    await desk.consumer.process([own_record(0, key, 1, "n1"), own_record(1, key, 2, "n2")])
    await stage.release_all(desk.consumer)

    done = await desk.carry_out(await desk.ask())

    assert done["outcomes"] == {"fixed": 1}
    assert await stage.notes() == ["n1", "n2"]


async def test_a_held_key_that_is_waived_loses_its_first_record_and_nothing_else(stage: Stage) -> None:
    desk = await a_desk(stage, is_intake=False)
    key = uuid4()
    stage.ward.failures["n1"] = [Retryable() for _ in range(80)]
    await desk.consumer.process([own_record(0, key, 1, "n1"), own_record(1, key, 2, "n2"), own_record(2, key, 3, "n3")])
    await stage.release_all(desk.consumer)

    done = await desk.carry_out(await desk.ask("waive"))
    await stage.release_all(desk.consumer)

    assert done["outcomes"] == {"waived": 1}
    assert await stage.notes() == ["n2", "n3"]
    assert await desk.letters() == [{"state": "waived", "reason": "waived", "attempts": 9, "action": None}]
    assert await desk.ledger() == {"dead": 1, "handled": 2}


async def test_a_waived_letter_is_off_the_list_and_never_applied(stage: Stage) -> None:
    desk = await a_desk(stage)
    stage.ward.failures["broken"] = [DEAD]
    await desk.consumer.process([intake_record(0, "a", name="broken")])

    done = await desk.carry_out(await desk.ask("waive"))

    assert done["outcomes"] == {"waived": 1}
    with pytest.raises(NotPossible):
        await desk.ask()
    assert await stage.notes() == []


async def test_more_than_one_person_can_look_through_needs_a_second_person(stage: Stage) -> None:
    desk = await a_desk(stage, limits=Limits(retry=QUICK, redrive_alone=2))
    stage.ward.failures = {f"n{n}": [DEAD] for n in range(3)}
    for n in range(3):
        await desk.consumer.process([intake_record(n, f"r{n}", name=f"n{n}")])

    action = await desk.ask()
    assert not await desk.redrive.step()
    with pytest.raises(NotPossible, match="Somebody else"):
        await desk.actions.approve(action, ANA)
    await desk.actions.approve(action, BUDI)
    done = await desk.carry_out(action)

    assert (done["approved_by"], done["outcomes"]) == (BUDI, {"fixed": 3})


async def test_a_record_of_intake_is_read_once_by_who_asked_after_a_second_person_agreed(stage: Stage) -> None:
    desk = await a_desk(stage)
    stage.ward.failures["Wahyuningsih"] = [DEAD]
    await desk.consumer.process([intake_record(0, "a", name="Wahyuningsih")])
    letter = (await stage.rows("select id from dead_letters"))[0]["id"]

    action = await desk.actions.ask_to_read(letter, why="the dinas asks", by=ANA)  # type: ignore[arg-type]  # a UUID
    async with stage.database.transaction() as tx:
        with pytest.raises(NotPossible):
            await desk.actions.take_reading(tx, action, ANA)
    await desk.actions.approve(action, BUDI)
    async with stage.database.transaction() as tx:
        with pytest.raises(NotPossible):
            await desk.actions.take_reading(tx, action, BUDI)
        record = await desk.consumer.letters.read(await desk.actions.take_reading(tx, action, ANA))
    async with stage.database.transaction() as tx:
        with pytest.raises(NotPossible):
            await desk.actions.take_reading(tx, action, ANA)

    assert b"Wahyuningsih" in (record.value or b"")
    assert (await desk.action(action))["outcomes"] == {"read": 1}
    assert await desk.letters() == [{"state": "open", "reason": "box_unreadable", "attempts": 1, "action": None}]


async def test_a_record_behind_a_gate_has_all_its_attempts_whatever_the_one_before_it_took(stage: Stage) -> None:
    desk = await a_desk(stage)
    stage.ward.failures = {"first": [Retryable() for _ in range(7)], "second": [Retryable() for _ in range(7)]}
    await desk.consumer.process([intake_record(0, "r", name="first"), intake_record(1, "r", name="second")])

    await stage.release_all(desk.consumer)

    assert await stage.notes() == ["first", "second"]


async def test_a_parked_record_whose_key_has_expired_holds_up_nobody(stage: Stage) -> None:
    desk = await a_desk(stage)
    stage.ward.failures["lost"] = [Retryable()]
    await desk.consumer.process([intake_record(0, "r", name="lost")])
    expired = uuid4()
    async with stage.keys.database.connection() as connection:
        await connection.execute("insert into tombstones (subject) values ($1)", expired)
    await stage.rows(f"update parked set sealed_under = '{expired}'")

    await stage.release_all(desk.consumer)

    assert [row["reason"] for row in await desk.letters()] == ["record_expired"]
