from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import asyncpg
import pytest
import pytest_asyncio

from services.eligibility.domain import Offered, Waitlisted, Wish, place
from services.eligibility.handlers.answering import Expiry, answer_offer
from services.eligibility.handlers.placing import Allocator
from services.eligibility.repository import seats as repository
from services.eligibility.repository.reference import save_reference
from shared.errors import KeyMissing
from shared.service import Problem
from shared.testing import eventually
from tests.integration.eligibility.eligibility_setup import (
    CODE,
    MAY_20,
    SIX_SEATS,
    Office,
    open_office,
    ticket_of,
    with_incubators,
)

PAPUA = {"regency": "91.71", "plan_kbli": "10710"}
SURABAYA = {"regency": "35.78", "plan_kbli": "10710"}


@pytest_asyncio.fixture
async def small(databases: dict[str, str], tmp_path: Path) -> AsyncIterator[Office]:
    """An office with six seats in two provinces, placing four people at a time."""
    policies = with_incubators(tmp_path, SIX_SEATS)
    async with open_office(databases, RINTIS_POLICIES=policies, RINTIS_ELIGIBILITY_ALLOCATE_BATCH=4) as opened:
        yield opened


async def test_seats_go_in_order_of_decision_near_home_first_and_then_people_wait(small: Office) -> None:
    workers = await small.register_all([{}] * 8)
    await small.allocate()
    requests = {row[0]: row[1:] for row in await small.rows("select worker_id, state, number, position from seat_requests")}
    ordered = sorted(workers, key=lambda worker: int(requests[worker][1]))
    assert [requests[worker] for worker in ordered] == [
        *(("offered", number, None) for number in range(1, 6)),
        *(("waitlisted", number, number - 5) for number in range(6, 9)),
    ]
    assert await small.rows("select incubator, count(*)::int from offers group by 1 order by 1") == [("BANDUNG", 2), ("JABAR", 3)]
    assert [one["type"] for one in await small.said("placement")] == ["offered"] * 5 + ["waitlisted"] * 3


async def test_who_fits_no_incubator_of_the_province_is_referred(small: Office) -> None:
    await small.register_all([SURABAYA, PAPUA])
    await small.allocate()
    said = {one["province"]: one for one in await small.said("referred")}
    assert (said["35"]["programme"], said["35"]["referred_to"]) == ("diklat_3in1", "bdi_surabaya")
    assert (said["91"]["programme"], said["91"]["referred_to"]) == ("rujukan", "kartu_prakerja")
    assert said["91"]["reasons"] == ["no_incubator_in_province"]


async def test_the_recorded_order_gives_the_same_placement_again(small: Office) -> None:
    plans = [{"plan_kbli": "10710" if n % 3 else "14111", "regency": "32.73" if n % 2 else "32.04"} for n in range(12)]
    workers = await small.register_all(plans)
    await small.allocate()
    plan_of = dict(zip(workers, plans, strict=True))
    rows = await small.rows(
        "select worker_id, request_id, state, position, (select incubator from offers o where o.request_id = r.request_id) "
        "from seat_requests r order by number"
    )
    wishes = [
        Wish(row[1], "pangan" if plan_of[row[0]]["plan_kbli"] == "10710" else "sandang", plan_of[row[0]]["regency"])
        for row in rows
    ]
    async with small.database.connection() as connection:
        empty = [replace(i, taken=0) for i in (await repository.find_places(connection, ["32"])).incubators["32"]]
    again = [
        ("offered", None, p.incubator.code) if isinstance(p, Offered) else ("waitlisted", getattr(p, "position", None), None)
        for p in place(wishes, empty, {})
    ]
    assert again == [row[2:] for row in rows]
    assert any(isinstance(p, Waitlisted) for p in place(wishes, empty, {}))


async def test_many_allocators_at_once_never_go_above_capacity_or_give_anybody_two(small: Office) -> None:
    await small.register_all([{}] * 40 + [{"regency": "35.78", "plan_kbli": "14111"}] * 20)
    allocators = [Allocator(small.colleague(str(number))) for number in range(6)]

    async def work() -> bool:
        await asyncio.gather(*(allocator.run() for allocator in allocators))
        return not await small.value("select count(*) from seat_requests where state = 'requested'")

    await eventually(work, within=30, what="everybody is placed")
    states = Counter(row[0] for row in await small.rows("select state from seat_requests"))
    assert states == {"offered": 6, "waitlisted": 54}
    assert await small.rows("select sum(taken)::int, count(*) filter (where taken > seats)::int from incubators") == [(6, 0)]
    assert await small.value("select count(distinct worker_id) from offers") == 6
    numbers = await small.rows("select province, min(number), max(number), count(distinct number) from seat_requests group by 1")
    assert sorted(numbers) == [("32", 1, 40, 40), ("35", 1, 20, 20)]


async def test_accepting_with_ticket_and_code_keeps_the_seat_and_says_it_once(small: Office) -> None:
    worker = await small.register()
    await small.allocate()
    for _ in range(5):
        await answer_offer(small.desk, f" {ticket_of(worker).lower()} ", CODE, "accepted")
    assert [one["type"] for one in await small.said("placement")] == ["offered", "accepted"]
    assert await small.rows("select o.state, r.state from offers o join seat_requests r using (request_id)") == [
        ("accepted", "accepted")
    ]
    small.at(MAY_20 + timedelta(days=30))
    assert not await Expiry(small.desk).run()
    assert await small.value("select sum(taken)::int from incubators") == 1


async def test_declining_frees_the_seat_and_cannot_be_taken_back(small: Office) -> None:
    worker = await small.register()
    await small.allocate()
    await answer_offer(small.desk, ticket_of(worker), CODE, "declined")
    with pytest.raises(Problem) as refused:
        await answer_offer(small.desk, ticket_of(worker), CODE, "accepted")
    assert refused.value.status == 409
    assert await small.value("select sum(taken)::int from incubators") == 0


async def test_an_offer_expires_at_its_deadline_in_business_time_and_frees_its_seat(small: Office) -> None:
    worker = await small.register()
    await small.allocate()
    small.at(MAY_20 + timedelta(hours=72) - timedelta(seconds=1))
    assert not await Expiry(small.desk).run()
    small.at(MAY_20 + timedelta(hours=72))
    with pytest.raises(Problem) as refused:
        await answer_offer(small.desk, ticket_of(worker), CODE, "accepted")
    assert refused.value.status == 409
    assert await Expiry(small.desk).run()
    assert not await Expiry(small.desk).run()
    assert [one["type"] for one in await small.said("placement")] == ["offered", "expired"]
    assert await small.value("select sum(taken)::int from incubators") == 0


async def test_a_wrong_code_a_wrong_ticket_and_an_erased_person_get_one_and_the_same_answer(small: Office) -> None:
    worker, erased = await small.register_all([{}, {}])
    await small.keys.erase([erased])
    answers = set()
    for ticket, code in ((ticket_of(worker), "WXYZ2345"), ("RNT-NOBODY", CODE), (ticket_of(erased), CODE)):
        with pytest.raises(Problem) as refused:
            await answer_offer(small.desk, ticket, code, "accepted")
        answers.add(str(sorted(refused.value.body.items())))
    assert len(answers) == 1


async def test_somebody_erased_while_waiting_gets_no_seat_and_blocks_nobody(small: Office) -> None:
    workers = await small.register_all([{}] * 3)
    await small.keys.erase(workers[:1])
    await small.allocate()
    states = dict(await small.rows("select worker_id, state from seat_requests"))
    assert [states[worker] for worker in workers] == ["erased", "offered", "offered"]


async def test_a_missing_key_stops_the_allocator_before_anything_is_written(small: Office) -> None:
    workers = await small.register_all([{}] * 2)
    async with small.keys.database.connection() as connection:
        await connection.execute("delete from keys where subject = $1", workers[0])
    with pytest.raises(KeyMissing):
        await small.allocate()
    assert await small.value("select count(*) from offers") == 0
    assert await small.value("select sum(taken)::int from incubators") == 0


async def test_the_database_itself_refuses_a_seat_too_many_and_a_second_seat(small: Office) -> None:
    await small.register_all([{}] * 2)
    await small.allocate()
    async with small.database.connection() as connection:
        with pytest.raises(asyncpg.CheckViolationError, match="incubators_capacity"):
            await connection.execute("update incubators set taken = seats + 1")
        with pytest.raises(asyncpg.UniqueViolationError, match="offers_one_active"):
            await connection.execute(
                "insert into offers select gen_random_uuid(), request_id, worker_id, province, incubator, state, instance, "
                "offered_at, expires_at, answered_at from offers"
            )


async def test_loading_reference_data_again_changes_nothing_and_held_seats_stay_held(small: Office) -> None:
    await small.register_all([{}] * 5)
    await small.allocate()
    before = await small.rows("select * from incubators order by code")
    smaller = replace(small.desk.reference, incubators=[{**i, "seats": 1} for i in small.desk.reference.incubators])
    for reference, expected in ((small.desk.reference, [2, 3, 1]), (smaller, [2, 3, 1])):
        async with small.database.transaction() as tx:
            await save_reference(tx, reference)
        assert [row[0] for row in await small.rows("select seats from incubators order by code")] == expected
    assert await small.rows("select * from incubators order by code") == before
