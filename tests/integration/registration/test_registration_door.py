import asyncio
import hashlib
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI

from services.registration.api import Bounds, status_router, submission_router
from services.registration.api.guesses import MOST_PER_TICKET, Guesses
from services.registration.app import make_deferral
from services.registration.handlers.door import forget_answers
from services.registration.repository.calls import Call
from services.registration.repository.rows import SQL
from shared.contracts.registration import WorkerRegistered
from shared.security import Caller, Callers
from shared.service.problems import add_problem_handlers
from tests.integration.registration.registration_setup import NOW, Office, a_layoff, a_registration

pytestmark = pytest.mark.servers


WIDE = Bounds(4, 1_000)


def caller(person: str, role: str) -> tuple[str, Caller]:
    return hashlib.sha256(person.encode()).hexdigest(), Caller(person, frozenset({role}), frozenset("*"))


CALLERS = Callers([caller("dinas", "publisher"), caller("kemnaker", "publisher"), caller("petugas", "staff")])


def app_of(office: Office, bounds: Bounds) -> FastAPI:
    app = FastAPI()
    add_problem_handlers(app)
    app.include_router(submission_router(office.desk, CALLERS, bounds, make_deferral(office.desk, office.desk.boxes.keys)))
    app.include_router(status_router(office.desk, Guesses()))
    return app


def client_of(office: Office, bounds: Bounds = WIDE) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app_of(office, bounds))
    return httpx.AsyncClient(transport=transport, base_url="http://registration", headers=by("dinas"))


@pytest_asyncio.fixture
async def door(office: Office) -> AsyncIterator[httpx.AsyncClient]:
    """The service's HTTP API, called by the publisher dinas."""
    async with client_of(office) as client:
        yield client


def by(person: str, **headers: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {person}", **{name.replace("_", "-"): value for name, value in headers.items()}}


def body(nik: str | None = None, **changes: Any) -> dict[str, Any]:
    event = a_registration(**({"nik": nik} if nik else {}), **changes)
    return event.model_dump(mode="json")


async def test_a_registration_is_answered_once_it_is_committed(office: Office, door: httpx.AsyncClient) -> None:
    answer = await door.post("/registrations", json=body())
    assert (answer.status_code, answer.json()["verdict"]) == (202, "accepted")
    assert await office.kinds() == ["WorkerRegistered"]
    assert await office.rows("select party, outcome, events from flow where direction = 'door'") == [("http", "accepted", 1)]


async def test_neither_ticket_nor_code_is_told_to_a_caller(office: Office, door: httpx.AsyncClient) -> None:
    texts = [(await door.post("/registrations", json=body())).text for _ in range(2)]
    [(ticket,)] = await office.rows("select ticket from persons")
    assert not [text for text in texts if ticket in text or "code_hash" in text]


@pytest.mark.parametrize("key", ["k1", None])
async def test_the_same_call_five_times_is_one_registration_with_one_answer(
    office: Office, door: httpx.AsyncClient, key: str | None
) -> None:
    call, headers = body(), {"Idempotency-Key": key} if key else {}
    answers = [(await door.post("/registrations", json=call, headers=headers)).json() for _ in range(5)]
    assert [answer["verdict"] for answer in answers] == ["accepted"] * 5
    assert await office.kinds() == ["WorkerRegistered"]
    assert await office.verdicts() == {"accepted": 1}


async def test_the_same_call_at_once_is_one_registration(office: Office, door: httpx.AsyncClient) -> None:
    call = body()
    answers = await asyncio.gather(*(door.post("/registrations", json=call) for _ in range(4)))
    assert [answer.json()["verdict"] for answer in answers if answer.status_code == 202].count("accepted") == len(answers)
    assert await office.verdicts() == {"accepted": 1}


async def test_a_key_is_good_for_one_body(door: httpx.AsyncClient) -> None:
    headers = {"Idempotency-Key": "k1"}
    first = await door.post("/registrations", json=body(), headers=headers)
    second = await door.post("/registrations", json=body(), headers=headers)
    assert (first.status_code, second.status_code) == (202, 422)
    assert second.json()["field"] == "Idempotency-Key"


async def test_a_call_in_flight_is_a_conflict(office: Office, door: httpx.AsyncClient) -> None:
    call = Call.of("dinas", "k1", "/registrations", b"")
    async with office.desk.database.transaction() as tx:
        assert await tx.fetchval(SQL["try_lock_call"], call.caller, call.key_digest)
        answer = await door.post("/registrations", json=body(), headers={"Idempotency-Key": "k1"})
    assert (answer.status_code, answer.headers["Retry-After"]) == (409, "1")
    assert await office.verdicts() == {}


async def test_answers_are_forgotten_after_their_time(office: Office, door: httpx.AsyncClient) -> None:
    await door.post("/registrations", json=body(), headers={"Idempotency-Key": "k1"})
    await forget_answers(office.at(NOW.replace(month=7)), age=NOW - NOW.replace(day=1))
    assert await office.rows("select count(*) from calls") == [(0,)]


async def test_a_batch_has_a_verdict_for_each_item(door: httpx.AsyncClient) -> None:
    items = [
        body(),
        body(),
        body(nik="32730A5204890007"),
        {"reference": "x"},
        body(nik="9501011203850002", birth_date="1985-03-12"),
    ]
    answer = await door.post("/registrations/batch", json={"items": items})
    verdicts = answer.json()["verdicts"]
    assert [item["verdict"] for item in verdicts] == ["accepted", "duplicate", "refused", "malformed", "accepted"]
    [reason] = verdicts[2]["reasons"]
    assert (reason["code"], reason["field"]) == ("NIK_FORMAT", "nik")
    assert reason["remedy"]
    assert {reason["field"] for reason in verdicts[3]["reasons"]} >= {"nik", "name"}


async def test_a_file_is_told_apart_from_other_calls(office: Office, door: httpx.AsyncClient) -> None:
    answer = await door.post("/layoffs/batch", json={"items": [a_layoff().model_dump(mode="json")]}, headers={"X-Door": "file"})
    assert [item["verdict"] for item in answer.json()["verdicts"]] == ["evidence"]
    assert await office.rows("select kind, door from submissions") == [("layoff", "file")]


@pytest.mark.parametrize("items", [[], [{}] * 1001, "x", None])
async def test_a_batch_holds_one_to_a_thousand_items(door: httpx.AsyncClient, items: Any) -> None:
    answer = await door.post("/registrations/batch", json={"items": items})
    assert (answer.status_code, answer.json()["field"]) == (422, "items")


@pytest.mark.parametrize("raw", [b"", b"not json", b"\xff\xfe", b"[1", b"null", b"7"])
async def test_a_body_that_is_none_is_malformed(door: httpx.AsyncClient, raw: bytes) -> None:
    assert (await door.post("/registrations", content=raw)).status_code == 422


async def test_no_answer_repeats_a_value(door: httpx.AsyncClient) -> None:
    call = body() | {"birth_date": "1989-04-12-wulan", "dependants": "rahasia"}
    answer = await door.post("/registrations", json=call)
    assert answer.status_code == 422
    assert not [datum for datum in ("wulan", "rahasia", "1989") if datum in answer.text]


async def test_a_body_beyond_the_bound_is_too_large(door: httpx.AsyncClient) -> None:
    assert (await door.post("/registrations", content=b"x" * (9 << 20))).status_code == 413


async def test_only_known_publishers_may_call(door: httpx.AsyncClient) -> None:
    unknown = await door.post("/registrations", json=body(), headers=by("stranger"))
    staff = await door.post("/registrations", json=body(), headers=by("petugas"))
    assert (unknown.status_code, staff.status_code) == (401, 403)


async def test_a_full_outbox_asks_to_come_back_and_keeps_nothing(office: Office) -> None:
    async with client_of(office, Bounds(4, 1)) as door:
        first = await door.post("/registrations", json=body())
        second = await door.post("/registrations", json=body())
    assert (first.status_code, second.status_code) == (202, 503)
    assert int(second.headers["Retry-After"]) > 0
    assert await office.verdicts() == {"accepted": 1}


async def test_more_calls_than_may_be_in_hand_are_asked_to_come_back(office: Office) -> None:
    async with client_of(office, Bounds(1, 1_000)) as door:
        answers = await asyncio.gather(*(door.post("/registrations", json=body()) for _ in range(5)))
    codes = sorted(answer.status_code for answer in answers)
    assert codes[0] == 202
    assert codes[-1] == 503


async def test_a_publisher_asks_what_became_of_its_own_and_of_nothing_else(office: Office, door: httpx.AsyncClient) -> None:
    await office.hear(a_registration(nik="abc"), ids=["ev-1"], publisher="kemnaker")
    asked = {"source": "https://kemnaker.contoh.go.id", "id": "ev-1"}
    own = await door.get("/submissions", params=asked, headers=by("kemnaker"))
    foreign = await door.get("/submissions", params=asked)
    assert (own.status_code, own.json()["verdict"], foreign.status_code) == (200, "refused", 404)
    assert [reason["code"] for reason in own.json()["reasons"]] == ["NIK_FORMAT"]


async def test_what_came_by_http_is_found_by_its_reference(door: httpx.AsyncClient) -> None:
    await door.post("/registrations", json=body(nik="abc", reference="R1"))
    await door.post("/registrations", json=body(reference="R1"))
    found = await door.get("/submissions", params={"source": "http:dinas", "id": "R1"})
    assert found.json()["verdict"] == "accepted"


async def registered(office: Office) -> tuple[str, str]:
    await office.hear(a_registration())
    [event] = [event for event in await office.said() if isinstance(event, WorkerRegistered)]
    contact = await office.open_contact(event, event.worker_id)
    assert contact is not None
    return event.ticket, contact.access_code or ""


async def test_a_worker_with_ticket_and_code_gets_the_status(office: Office, door: httpx.AsyncClient) -> None:
    ticket, code = await registered(office)
    posted = await door.post("/status", json={"ticket": ticket.lower(), "code": code.lower()})
    got = await door.get("/status", params={"ticket": ticket}, headers={"X-Access-Code": code})
    assert posted.json()["stage"] == "registered"
    assert posted.json() == got.json()


async def test_a_wrong_ticket_and_a_wrong_code_get_the_same_answer(office: Office, door: httpx.AsyncClient) -> None:
    ticket, code = await registered(office)
    wrong_code = await door.post("/status", json={"ticket": ticket, "code": "AAAAAAAA"})
    wrong_ticket = await door.post("/status", json={"ticket": "RNT-AAAA-AAAA", "code": code})
    assert (wrong_code.status_code, wrong_code.json()) == (wrong_ticket.status_code, wrong_ticket.json())


async def test_guessing_is_bounded(office: Office, door: httpx.AsyncClient) -> None:
    ticket, code = await registered(office)
    for _ in range(MOST_PER_TICKET):
        await door.post("/status", json={"ticket": ticket, "code": "AAAAAAAA"})
    assert (await door.post("/status", json={"ticket": ticket, "code": code})).status_code == 429


async def test_a_door_at_another_time_judges_by_its_own_day(office: Office) -> None:
    later = replace(office, desk=office.at(NOW.replace(day=20)))
    async with client_of(later) as door:
        answer = await door.post("/registrations", json=body(layoff_on="2020-05-20"))
    assert answer.json()["verdict"] == "accepted"


@pytest.mark.parametrize(("field", "value"), [("skills", ["las\x00"]), ("email", "w\x00@contoh.id"), ("reference", "R\x00")])
async def test_an_item_with_a_nul_is_malformed_as_on_kafka(door: httpx.AsyncClient, field: str, value: object) -> None:
    answer = await door.post("/registrations/batch", json={"items": [body() | {field: value}, body()]})
    first, second = answer.json()["verdicts"]
    assert (first["verdict"], [reason["field"] for reason in first["reasons"]]) == ("malformed", [field])
    assert second["verdict"] == "accepted"


async def test_a_ticket_that_no_table_can_hold_is_a_wrong_ticket(door: httpx.AsyncClient) -> None:
    assert (await door.post("/status", json={"ticket": "RNT-\x00", "code": "AAAAAAAA"})).status_code == 404
