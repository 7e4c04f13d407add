"""Newcomers are placed by the transaction that decides about them, where nobody is overtaken and nobody else is at work."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID

import pytest
import pytest_asyncio

from services.eligibility.repository import seats as repository
from tests.integration.eligibility.eligibility_setup import (
    SIX_SEATS,
    Office,
    open_office,
    registered,
    some_facts,
    with_incubators,
)
from tests.integration.inside_statements import inside_statements

SURABAYA = {"regency": "35.78", "plan_kbli": "14111"}
UNFIT_IN_SURABAYA = {"regency": "35.78", "plan_kbli": "10710"}
PLACED = "select state, number, position from seat_requests order by number"


@pytest_asyncio.fixture
async def small(databases: dict[str, str], tmp_path: Path) -> AsyncIterator[Office]:
    """An office with six seats in two provinces, whose consumers serve both."""
    async with open_office(databases, RINTIS_POLICIES=with_incubators(tmp_path, SIX_SEATS)) as opened:
        opened.serve("32", "35")
        yield opened


async def test_newcomers_have_their_seat_or_their_place_in_the_queue_with_the_decision(small: Office) -> None:
    await small.register_all([{}] * 8)
    await small.register()
    assert await small.rows(PLACED) == [
        *(("offered", number, None) for number in range(1, 6)),
        *(("waitlisted", number, number - 5) for number in range(6, 10)),
    ]
    assert await small.rows("select code, taken from incubators order by code") == [("BANDUNG", 2), ("JABAR", 3), ("JATIM", 0)]
    assert Counter(one["type"] for one in await small.said()) == {"confirmed": 9, "offered": 5, "waitlisted": 4}
    await expect_nothing_broken(small)


async def test_who_fits_no_incubator_of_the_province_is_referred_with_the_decision(small: Office) -> None:
    await small.register_all([SURABAYA, UNFIT_IN_SURABAYA])
    said = {one["type"]: one for one in await small.said("placement")}
    assert (said["referred"]["referred_to"], said["referred"]["reasons"]) == ("bdi_surabaya", ["no_incubator_in_province"])
    assert said["offered"]["incubator"] == "JATIM"
    await expect_nothing_broken(small)


async def test_the_same_registrations_again_give_no_second_seat(small: Office) -> None:
    worker = (await small.register_all([{}]))[0]
    facts = some_facts(worker)
    await small.hear([registered(worker, facts, (await small.seal([facts], [worker]))[0])])
    assert await small.rows("select count(*), sum(taken)::int from offers, incubators where incubators.code = 'BANDUNG'") == [
        (1, 1)
    ]
    assert [one["type"] for one in await small.said("placement")] == ["offered"]


async def test_nobody_overtakes_those_who_wait_to_be_placed(small: Office) -> None:
    small.serve()
    first = await small.register_all([{}] * 2)
    small.serve("32", "35")
    second = await small.register_all([{}] * 4 + [SURABAYA])
    waiting = {row[0] for row in await small.rows("select worker_id from seat_requests where state = 'requested'")}
    assert waiting == {*first, *second[:4]}, "the province in which nobody waited is placed at once, the other is not"
    await small.allocate()
    placed = await small.rows("select worker_id, state from seat_requests where province = '32' order by number")
    assert {row[0] for row in placed[:2]} == set(first)
    assert [row[1] for row in placed] == ["offered"] * 5 + ["waitlisted"]


async def test_a_province_that_another_process_works_on_is_left_to_an_allocator(small: Office) -> None:
    async with small.database.transaction() as tx:
        await repository.lock_province(tx, "32")
        bandung, surabaya = await small.register_all([{}, SURABAYA])
        assert await states_of(small) == {bandung: "requested", surabaya: "offered"}
    await small.allocate()
    assert await states_of(small) == {bandung: "offered", surabaya: "offered"}
    await expect_nothing_broken(small)


async def test_another_process_s_province_is_left_to_it(small: Office) -> None:
    small.serve("35")
    bandung, surabaya = await small.register_all([{}, SURABAYA])
    assert await states_of(small) == {bandung: "requested", surabaya: "offered"}


@pytest.mark.parametrize("was", ["denied", "offered"])
async def test_newer_facts_wait_for_an_allocator_and_a_seat_that_is_held_stays_the_only_one(small: Office, was: str) -> None:
    (worker,) = await small.register_all([{"citizenship": "WNA"} if was == "denied" else {}])
    facts = some_facts(worker, dependants=5)
    await small.hear([registered(worker, facts, (await small.seal([facts], [worker]))[0], version=2)])
    assert await states_of(small) == {worker: "requested" if was == "denied" else "offered"}
    await small.allocate()
    assert await states_of(small) == {worker: "offered"}
    assert await small.value("select sum(taken)::int from incubators") == 1
    await expect_nothing_broken(small)


async def states_of(office: Office) -> dict[UUID, str]:
    """Return where each worker's request stands."""
    return dict(await office.rows("select worker_id, state from seat_requests"))


async def expect_nothing_broken(office: Office) -> None:
    """Run the service's own audit over everything."""
    found = [row for text, values in inside_statements("eligibility").values() for row in await office.rows(text, *values)]
    assert found == []
