"""Calls whose publisher does not wait for the verdicts: kept at once, decided afterwards, none of it lost."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI

from services.registration.api import Bounds, submission_router
from services.registration.app import make_deferral
from services.registration.handlers import deferring
from services.registration.handlers.deferring import Deferral
from services.registration.handlers.door import Item, Malformed, settle_items
from shared.service.problems import add_problem_handlers
from shared.storage import load_queries
from tests.integration.registration.registration_setup import NIK, NOW, Office, a_layoff, standing
from tests.integration.registration.test_registration_door import CALLERS, body, by

pytestmark = pytest.mark.servers

LATER = {"Prefer": "respond-async"}
OTHER_NIK, THIRD_NIK = "9501011203850002", "3273015204890008"


@dataclass
class Doors:
    """The door with what works through its kept calls, which does nothing before it is told to."""

    office: Office
    deferral: Deferral
    client: httpx.AsyncClient

    async def keep(self, *items: dict[str, Any], path: str = "/registrations/batch", **headers: str) -> httpx.Response:
        return await self.client.post(path, json={"items": items}, headers={**LATER, **headers})

    async def work_off(self) -> None:
        self.deferral.wake.clear()
        while await self.deferral.run():
            pass

    async def ask(self, reference: str) -> httpx.Response:
        return await self.client.get("/submissions", params={"source": "http:dinas", "id": reference})


def open_door(office: Office, outbox_events: int = 1_000) -> Doors:
    deferral = make_deferral(office.desk, office.desk.boxes.keys)
    app = FastAPI()
    add_problem_handlers(app)
    app.include_router(submission_router(office.desk, CALLERS, Bounds(4, outbox_events), deferral))
    client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://registration", headers=by("dinas"))
    return Doors(office, deferral, client)


@pytest_asyncio.fixture
async def doors(office: Office) -> AsyncIterator[Doors]:
    opened = open_door(office)
    async with opened.client:
        yield opened


async def test_a_call_is_kept_at_once_and_decided_afterwards(doors: Doors) -> None:
    answer = await doors.keep(body(reference="A"), body(reference="B", nik="32730A5204890007"), {"reference": "x"})

    assert (answer.status_code, answer.headers["Preference-Applied"]) == (202, "respond-async")
    assert [item["verdict"] for item in answer.json()["verdicts"]] == ["received", "received", "malformed"]
    assert await doors.office.verdicts() == {}
    assert (await doors.ask("A")).status_code == 404

    await doors.work_off()

    assert await doors.office.verdicts() == {"accepted": 1, "refused": 1}
    assert (await doors.ask("A")).json()["verdict"] == "accepted"
    assert (await doors.ask("B")).json()["reasons"][0]["code"] == "NIK_FORMAT"
    assert await doors.office.kinds() == ["WorkerRegistered", "RegistrationRefused"]
    assert await doors.office.rows("select count(*) from deferred_calls") == [(0,)]


async def test_a_list_of_layoffs_is_kept_too(doors: Doors) -> None:
    lines = [a_layoff(reference="L1").model_dump(mode="json")]

    answer = await doors.keep(*lines, path="/layoffs/batch", **{"X-Door": "file"})
    await doors.work_off()

    assert answer.json()["verdicts"][0]["verdict"] == "received"
    assert await doors.office.rows("select kind, door, verdict from submissions") == [("layoff", "file", "evidence")]


@pytest.mark.parametrize("prefer", ["wait=10, Respond-Async", "respond-async; note=x", "return=minimal,respond-async"])
async def test_the_preference_may_be_one_of_several(doors: Doors, prefer: str) -> None:
    answer = await doors.keep(body(), Prefer=prefer)
    assert answer.json()["verdicts"][0]["verdict"] == "received"


@pytest.mark.parametrize("prefer", ["wait=10", "respond-asynchronously", ""])
async def test_who_does_not_prefer_it_gets_verdicts(doors: Doors, prefer: str) -> None:
    answer = await doors.keep(body(), Prefer=prefer)
    assert answer.json()["verdicts"][0]["verdict"] == "accepted"
    assert "Preference-Applied" not in answer.headers


async def test_a_single_registration_gets_its_verdict_whatever_is_preferred(doors: Doors) -> None:
    answer = await doors.client.post("/registrations", json=body(), headers=LATER)
    assert answer.json()["verdict"] == "accepted"


async def test_what_is_kept_rests_sealed(doors: Doors) -> None:
    await doors.keep(body(name="Wulan Sekarningrum"))
    [(sealed,)] = await doors.office.rows("select body from deferred_calls")
    assert NIK.encode() not in sealed
    assert b"Wulan" not in sealed


async def test_the_same_call_five_times_is_kept_once(doors: Doors) -> None:
    items = [body(reference="A")]
    answers = [await doors.keep(*items, **{"Idempotency-Key": "k1"}) for _ in range(5)]

    await doors.work_off()

    assert {answer.status_code for answer in answers} == {202}
    assert [answer.headers.get("Idempotent-Replayed") for answer in answers] == [None, *["true"] * 4]
    assert await doors.office.rows("select party, outcome, events from flow where direction = 'door'") == [
        ("http", "accepted", 1)
    ]


async def test_the_same_items_in_another_call_change_nothing(doors: Doors) -> None:
    items = [body(reference="A")]
    for _ in range(2):
        await doors.keep(*items)
    await doors.work_off()
    assert await doors.office.verdicts() == {"accepted": 1}
    assert await doors.office.kinds() == ["WorkerRegistered"]


async def test_a_call_in_which_nothing_fits_is_not_kept(doors: Doors) -> None:
    answer = await doors.keep({"reference": "x"})
    assert answer.json()["verdicts"][0]["verdict"] == "malformed"
    assert await doors.office.rows("select count(*) from deferred_calls") == [(0,)]


async def test_days_are_judged_by_the_day_on_which_the_call_came(doors: Doors) -> None:
    await doors.keep(body(reference="A", layoff_on=NOW.date() + timedelta(days=1)))
    doors.deferral.desk = replace(doors.office.desk, clock=standing(NOW + timedelta(days=5)))

    await doors.work_off()

    assert (await doors.ask("A")).json()["reasons"][0]["code"] == "LAYOFF_FUTURE"
    assert await doors.office.rows("select arrived_at from submissions") == [(NOW,)]


async def test_calls_are_worked_through_in_their_order(doors: Doors) -> None:
    for reference in ("first", "second"):
        await doors.keep(body(reference=reference, name=reference))
    await doors.work_off()
    assert [(await doors.ask(reference)).json()["verdict"] for reference in ("first", "second")] == ["accepted", "duplicate"]


async def test_two_processes_work_through_different_calls(doors: Doors) -> None:
    for reference, nik in (("A", NIK), ("B", OTHER_NIK)):
        await doors.keep(body(reference=reference, nik=nik))
    other = make_deferral(doors.office.desk, doors.office.desk.boxes.keys)
    assert list(await asyncio.gather(doors.deferral.run(), other.run())) == [True, True]
    assert await doors.office.rows("select count(*) from deferred_calls") == [(0,)]


async def test_a_crash_in_the_middle_leaves_the_call_whole(doors: Doors, monkeypatch: pytest.MonkeyPatch) -> None:
    await doors.keep(body(reference="A"))

    async def crash(*_: Any) -> None:
        raise ConnectionResetError

    with monkeypatch.context() as patched:
        patched.setattr(deferring, "remove_deferred", crash)
        with pytest.raises(ConnectionResetError):
            await doors.deferral.run()
    assert await doors.office.verdicts() == {}
    assert await doors.office.kinds() == []

    await doors.work_off()
    assert await doors.office.verdicts() == {"accepted": 1}


async def test_more_than_there_is_room_for_is_asked_to_come_back(office: Office) -> None:
    doors = open_door(office, outbox_events=2)
    async with doors.client:
        first = await doors.keep(body(reference="A"), body(reference="B"))
        second = await doors.keep(body(reference="C"))
        waited = await doors.client.post("/registrations", json=body(reference="C"))
    assert [answer.status_code for answer in (first, second, waited)] == [202, 503, 503]
    assert second.headers["Retry-After"]
    assert await office.rows("select items from deferred_calls") == [(2,)]


async def test_more_calls_than_are_kept_at_once_are_asked_to_come_back(doors: Doors, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deferring, "MOST_CALLS", 2)
    answers = [await doors.keep(body()) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [202, 202, 503]
    await doors.work_off()
    assert (await doors.keep(body())).status_code == 202


async def test_kept_calls_give_way_to_calls_that_come_in_but_not_for_long(doors: Doors, monkeypatch: pytest.MonkeyPatch) -> None:
    await doors.keep(body())
    with doors.deferral.taking():
        assert await doors.deferral.run() is False
        monkeypatch.setattr(deferring, "GIVE_WAY_SECONDS", 0.0)
        assert await doors.deferral.run() is True
    assert await doors.office.verdicts() == {"accepted": 1}


async def test_an_item_that_cannot_be_done_waits_alone(doors: Doors, monkeypatch: pytest.MonkeyPatch) -> None:
    niks = {"A": NIK, "sick": OTHER_NIK, "C": THIRD_NIK}
    await doors.keep(*(body(reference=name, nik=nik) for name, nik in niks.items()))

    async def fail_on_the_sick(tx: Any, desk: Any, order: Any, items: list[Item]) -> Any:
        if any(item.reference == "sick" for item in items):
            raise ZeroDivisionError
        return await settle_items(tx, desk, order, items)

    with monkeypatch.context() as patched:
        patched.setattr(deferring, "settle_items", fail_on_the_sick)
        assert await doors.deferral.run() is True
    held = "select items, attempts, reason, next_at > clock_timestamp() from deferred_calls"
    assert await doors.office.rows(held) == [(1, 1, "ZeroDivisionError", True)]
    assert (await doors.ask("sick")).status_code == 404
    assert {(await doors.ask(name)).status_code for name in ("A", "C")} == {200}

    await doors.office.rows("update deferred_calls set next_at = clock_timestamp() returning 1")
    await doors.work_off()
    assert (await doors.ask("sick")).status_code == 200
    assert await doors.office.rows("select count(*) from deferred_calls") == [(0,)]


async def test_calls_give_way_although_an_item_has_been_parked_for_long(doors: Doors) -> None:
    for reference, nik in (("A", NIK), ("B", OTHER_NIK)):
        await doors.keep(body(reference=reference, nik=nik))
    await doors.office.rows(
        "update deferred_calls set kept_at = kept_at - interval '1 hour', attempts = 9, next_at = clock_timestamp() + interval '1 minute' "
        "where id = (select min(id) from deferred_calls) returning 1"
    )
    with doors.deferral.taking():
        assert await doors.deferral.run() is False
    await doors.work_off()
    assert [(await doors.ask(reference)).status_code for reference in ("A", "B")] == [404, 200]


async def test_what_fitted_the_contract_when_it_was_kept_is_not_dropped_by_a_new_one(doors: Doors) -> None:
    await doors.keep(body(reference="A"), body(reference="B", nik=OTHER_NIK))
    parse = doors.deferral.parse["registration"]

    def stricter(raw: bytes) -> list[Item | Malformed]:
        return [Malformed(()) if isinstance(item, Malformed) or item.reference == "A" else item for item in parse(raw)]

    doors.deferral.parse = {"registration": stricter}
    await doors.work_off()
    assert await doors.office.rows("select items, reason from deferred_calls") == [(2, "contract_changed")]
    assert await doors.office.verdicts() == {}


async def test_a_call_whose_key_is_gone_is_named_and_stands_in_nobodys_way(doors: Doors) -> None:
    await doors.keep(body(reference="A"))
    [(subject,)] = await doors.office.rows("select sealed_under from deferred_calls")
    await doors.office.desk.boxes.keys.erase([subject])
    await doors.office.rows(
        "insert into deferred_calls (publisher, door, kind, items, body, sealed_under, arrived_at) "
        "select publisher, door, kind, items, body, sealed_under, arrived_at from deferred_calls returning 1"
    )

    await doors.work_off()

    assert await doors.office.rows("select reason from deferred_calls") == [("record_expired",)] * 2


async def test_an_hour_old_call_is_what_an_audit_finds(doors: Doors) -> None:
    await doors.keep(body(), body())
    text = load_queries("services.registration", "audit.sql")["find_waiting_calls"]
    assert await doors.office.rows(text) == []
    await doors.office.rows("update deferred_calls set kept_at = kept_at - interval '61 minutes' returning 1")
    [(kind, _, _, detail)] = await doors.office.rows(text)
    assert (kind, detail.strip()) == ("call_waiting", "dinas, 2 of registration")
