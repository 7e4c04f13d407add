from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from services.eligibility.domain import judge, view_for_rules
from services.eligibility.handlers.facts import applicant_of, open_facts
from services.eligibility.repository.views import count_overview
from tests.integration.eligibility.eligibility_setup import MAY_20, Office, new_worker, registered, some_facts

UNPROVEN: dict[str, Any] = {"has_layoff_letter": False}


async def test_a_worker_who_qualifies_is_confirmed_and_asks_for_a_seat(office: Office) -> None:
    worker = await office.register()
    said = await office.said()
    assert [(one["type"], one["worker_id"], one["programme"], one["policy"], one["decided_by"]) for one in said] == [
        ("confirmed", str(worker), "wub", "wub@2020-05-08", "policy")
    ]
    assert await office.rows("select worker_id, state, province from seat_requests") == [(worker, "requested", "32")]


async def test_a_worker_who_is_excluded_is_denied_with_reasons_and_asks_for_nothing(office: Office) -> None:
    await office.register(profession="Polri", other_aid=["pkh"])
    said = await office.said()
    assert [(one["type"], one["reasons"]) for one in said] == [("denied", ["profession_excluded", "receives_other_aid"])]
    assert await office.rows("select * from seat_requests") == []


STORED = """select d.policy, d.policy_digest, d.score, d.rules, d.reasons, coalesce(d.facts, w.facts), d.decided_on
from decisions d join workers w using (worker_id) order by d.facts_version"""
"""Decisions with what each was made on."""


@pytest.mark.parametrize("changes", [{"dependants": 4}, {"citizenship": "WNA"}, UNPROVEN])
async def test_a_decision_can_be_made_again_from_what_is_stored_also_when_newer_facts_came(
    office: Office, changes: dict[str, Any]
) -> None:
    worker = await office.register(**changes)
    assert await remade(office, worker) == 1
    newer = some_facts(worker, dependants=7)
    await office.hear([registered(worker, newer, (await office.seal([newer], [worker]))[0], 3)])
    assert await remade(office, worker) == 2
    assert await office.rows(
        "select d.facts = w.facts from decisions d join workers w using (worker_id) order by d.facts_version"
    ) == [
        (False,),
        (None,),
    ]


async def remade(office: Office, worker: UUID) -> int:
    """Return how many decisions are stored, after each was made again with the same result."""
    rows = await office.rows(STORED)
    for row in rows:
        policy = office.desk.book.in_force(row[6])
        facts = (await open_facts(office.desk.boxes, [(worker, row[5])]))[0]
        assert facts is not None
        sectors = office.desk.reference.catalog.sectors
        view = view_for_rules(applicant_of(facts), row[6], policy.professions, sectors)
        again = judge(policy.evaluate([view])[0], policy.bar)
        assert (policy.name, policy.digest, again.score, list(again.rules), list(again.reasons)) == row[:5]
    return len(rows)


async def test_the_day_of_the_registration_in_jakarta_decides_not_the_day_of_the_decision(office: Office) -> None:
    office.at(MAY_20 + timedelta(days=400))
    await office.register(birth_date=date(2002, 5, 20), at=datetime(2020, 5, 19, 17, 0, tzinfo=UTC))
    await office.register(birth_date=date(2002, 5, 20), at=datetime(2020, 5, 19, 16, 59, tzinfo=UTC))
    assert await office.rows("select outcome, decided_on from decisions order by decided_on desc") == [
        ("confirmed", date(2020, 5, 20)),
        ("denied", date(2020, 5, 19)),
    ]


async def test_second_delivery_of_same_event_changes_nothing(office: Office) -> None:
    worker = new_worker()
    facts = some_facts(worker)
    event = registered(worker, facts, (await office.seal([facts], [worker]))[0])
    ids = await office.hear([event])
    before = await office.rows("select * from decisions")
    for _ in range(3):
        await office.hear([event], ids=ids)
    assert await office.rows("select * from decisions") == before
    assert len(await office.said()) == 1
    assert await office.outcomes() == {"handled": 1, "repeat": 3}


async def test_older_facts_are_superseded_and_newer_ones_decided_again(office: Office) -> None:
    worker = new_worker()
    people = [some_facts(worker, citizenship="WNA"), some_facts(worker), some_facts(worker, dependants=0)]
    sealed = await office.seal(people, [worker] * 3)
    second, third, first = (registered(worker, people[i], sealed[i], version) for i, version in ((0, 2), (1, 3), (2, 1)))
    await office.hear([second])
    await office.hear([first])
    await office.hear([third])
    assert await office.rows("select facts_version, outcome from decisions order by 1") == [(2, "denied"), (3, "confirmed")]
    assert await office.outcomes() == {"handled": 2, "superseded": 1}


async def test_an_erased_worker_is_recorded_and_nothing_is_decided(office: Office) -> None:
    worker = new_worker()
    facts = some_facts(worker)
    event = registered(worker, facts, (await office.seal([facts], [worker]))[0])
    await office.keys.erase([worker])
    await office.hear([event])
    assert await office.outcomes() == {"erased": 1}
    assert await office.rows("select is_erased from workers") == [(True,)]
    assert await office.rows("select * from decisions") == []


async def test_a_foreign_box_is_a_dead_letter_and_costs_its_neighbours_nothing(office: Office) -> None:
    workers = [new_worker() for _ in range(5)]
    people = [some_facts(worker) for worker in workers]
    sealed = await office.seal(people, workers)
    sealed[2] = sealed[3]
    await office.hear([registered(*row) for row in zip(workers, people, sealed, strict=True)])
    assert await office.rows("select reason, field from dead_letters") == [("box_unreadable", "facts")]
    assert await office.value("select count(*) from decisions") == 4


async def test_what_is_unclear_asks_the_dinas_of_the_regency_within_the_period(office: Office) -> None:
    await office.register(**UNPROVEN)
    (asked,) = await office.said()
    assert (asked["type"], asked["dinas"], asked["reasons"]) == ("review_asked", "32.73", ["layoff_unproven"])
    assert asked["link"] == f"/reviews/{asked['review_id']}"
    assert datetime.fromisoformat(asked["due_at"]) == MAY_20 + timedelta(days=7)
    assert await office.rows("select state, dinas from reviews") == [("open", "32.73")]


async def test_staff_approve_once_and_a_seat_is_asked_for(office: Office) -> None:
    worker = await office.register(**UNPROVEN)
    review = await office.value("select review_id from reviews")
    await office.complete(review, worker, "approve")
    await office.complete(review, worker, "reject")
    last = (await office.said())[-1]
    assert (last["type"], last["decided_by"], last["reasons"], last["programme"]) == (
        "confirmed",
        "staff",
        ["approved_by_staff"],
        "wub",
    )
    assert await office.rows("select state, person, reason from reviews") == [("approved", "petugas", "surat_asli_dilihat")]
    assert await office.rows("select state from seat_requests") == [("requested",)]
    assert (await office.outcomes())["repeat"] == 1


async def test_staff_reject_and_the_person_hears_what_was_unclear(office: Office) -> None:
    worker = await office.register(**UNPROVEN)
    await office.complete(await office.value("select review_id from reviews"), worker, "reject")
    last = (await office.said())[-1]
    assert (last["type"], last["decided_by"], last["reasons"]) == ("denied", "staff", ["rejected_by_staff", "layoff_unproven"])
    assert await office.rows("select * from seat_requests") == []


async def test_a_review_of_older_facts_is_superseded(office: Office) -> None:
    worker = await office.register(**UNPROVEN)
    review = await office.value("select review_id from reviews")
    facts = some_facts(worker, citizenship="WNA")
    await office.hear([registered(worker, facts, (await office.seal([facts], [worker]))[0], 2)])
    await office.complete(review, worker, "approve")
    assert await office.rows("select state from reviews") == [("superseded",)]
    assert [one["type"] for one in await office.said()] == ["review_asked", "denied"]
    assert (await office.outcomes())["superseded"] == 1


async def test_tasks_of_others_are_ignored_and_unknown_cases_are_dead_letters(office: Office) -> None:
    worker = new_worker()
    await office.complete(new_worker(), worker, "approve", kind="filing_validation")
    await office.complete(new_worker(), worker, "approve")
    assert await office.outcomes() == {"ignored": 1, "dead": 1}
    assert await office.rows("select reason, field from dead_letters") == [("review_unknown", "case_id")]


async def test_who_has_no_plan_is_confirmed_and_referred_at_once(office: Office) -> None:
    worker = await office.register(has_plan=False, plan_kbli=None)
    said = [(one["type"], one["programme"], one.get("referred_to")) for one in await office.said()]
    assert said == [("confirmed", "diklat_3in1", None), ("referred", "diklat_3in1", "bdi_jakarta")]
    assert await office.rows("select worker_id, state, referred_to from seat_requests") == [(worker, "referred", "bdi_jakarta")]


async def test_overview_counts_what_was_decided(office: Office) -> None:
    await office.register_all([{}, {}, UNPROVEN, {"citizenship": "WNA"}, {"has_plan": False}])
    async with office.database.connection() as connection:
        before = await count_overview(connection)
    assert (before["counts"]["requests_waiting"], before["counts"]["offered"]) == (2, 0)
    await office.allocate()
    async with office.database.connection() as connection:
        overview = await count_overview(connection)
    counts = overview["counts"]
    assert counts["requests_waiting"] == 0
    assert {name: counts[name] for name in ("confirmed", "denied", "review_open", "offered", "referred")} == {
        "confirmed": 3,
        "denied": 1,
        "review_open": 1,
        "offered": 2,
        "referred": 1,
    }
    assert overview["denied_by_reason"] == {"not_wni": 1}
    west_java = next(row for row in overview["seats"] if row["province"] == "32")
    assert west_java["taken"] == 2 < west_java["capacity"]
