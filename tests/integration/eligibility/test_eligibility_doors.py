from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest_asyncio

from rintis.runtime.secrets import Secrets
from services.eligibility.api import offer_router, review_router
from shared.security import Callers
from shared.service.app import State, make_app
from tests.integration.eligibility.eligibility_setup import CODE, MAY_20, Office, ticket_of
from tests.integration.inside_statements import inside_statements

AUDIT = inside_statements("eligibility")
SECRET: dict[str, Any] = {
    "profession": "penggali sumur rahasia",
    "skills": ["menyelam rahasia"],
    "layoff_lists": [],
    "has_layoff_letter": False,
    "regency": "32.73",
}


@pytest_asyncio.fixture
async def client(office: Office, databases: dict[str, str]) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the service's doors."""
    callers = Callers.load(Path(databases["RINTIS_CALLERS_FILE"]))
    app = make_app("eligibility", [offer_router(office.desk), review_router(office.desk, callers)], State(), nothing)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://eligibility") as opened:
        yield opened


async def nothing() -> dict[str, Any]:
    """Return no counts."""
    return {}


def bearer(secrets: Secrets, person: str) -> dict[str, str]:
    """Return the header that names a person."""
    return {"Authorization": f"Bearer {secrets.tokens[person]}"}


async def test_staff_of_the_region_see_what_they_need_and_the_look_is_recorded(
    office: Office, client: httpx.AsyncClient, secrets: Secrets
) -> None:
    await office.register(**SECRET)
    link = (await office.said())[0]["link"]
    answer = await client.get(link, headers=bearer(secrets, "petugas-32-a"))
    shown = answer.json()
    assert answer.status_code == 200
    assert shown["facts"]["profession"] == SECRET["profession"]
    assert [reason["code"] for reason in shown["reasons"]] == ["layoff_unproven", "profession_unclear"]
    assert shown["reasons"][0]["sentence"].endswith(".")
    assert not {"access_code_hash", "ticket"} & set(shown["facts"])
    assert await office.rows("select person, read_at from review_reads") == [("petugas-32-a", MAY_20)]


async def test_others_see_nothing_and_leave_no_read(office: Office, client: httpx.AsyncClient, secrets: Secrets) -> None:
    await office.register(**SECRET)
    link = (await office.said())[0]["link"]
    statuses = [
        (await client.get(link)).status_code,
        (await client.get(link, headers=bearer(secrets, "petugas-35-a"))).status_code,
        (await client.get(link, headers=bearer(secrets, "kemnaker"))).status_code,
        (await client.get("/reviews/00000000-0000-0000-0000-000000000000", headers=bearer(secrets, "petugas-pusat"))).status_code,
    ]
    assert statuses == [401, 403, 403, 404]
    assert await office.rows("select * from review_reads") == []


async def test_the_facts_of_the_erased_are_gone_for_staff_too(
    office: Office, client: httpx.AsyncClient, secrets: Secrets
) -> None:
    worker = await office.register(**SECRET)
    await office.keys.erase([worker])
    answer = await client.get((await office.said())[0]["link"], headers=bearer(secrets, "petugas-pusat"))
    assert (answer.status_code, answer.json()["title"]) == (410, "Data sudah dihapus")


async def test_a_worker_accepts_over_http_and_is_told_in_indonesian(office: Office, client: httpx.AsyncClient) -> None:
    worker = await office.register()
    await office.allocate()
    body = {"ticket": ticket_of(worker), "access_code": CODE}
    for _ in range(5):
        answer = await client.post("/offers/accept", json=body)
        assert (answer.status_code, answer.json()["state"]) == (200, "accepted")
        assert "sudah kami catat" in answer.json()["message"]
    assert len(await office.said("accepted")) == 1
    refused = await client.post("/offers/decline", json=body)
    assert (refused.status_code, refused.json()["title"]) == (409, "Tawaran sudah dijawab")


async def test_before_any_offer_and_with_a_wrong_code_a_problem_says_what_to_do(
    office: Office, client: httpx.AsyncClient
) -> None:
    worker = await office.register()
    early = await client.post("/offers/accept", json={"ticket": ticket_of(worker), "access_code": CODE})
    wrong = await client.post("/offers/accept", json={"ticket": ticket_of(worker), "access_code": "WXYZ2345"})
    malformed = await client.post("/offers/accept", json={"ticket": ticket_of(worker)})
    assert [one.status_code for one in (early, wrong, malformed)] == [404, 403, 422]
    assert wrong.json()["remedy"]
    assert wrong.headers["content-type"] == "application/problem+json"


async def test_no_table_and_no_event_holds_anything_of_the_facts_in_clear(office: Office) -> None:
    await office.register(**SECRET)
    await office.register(birth_date="1987-06-05", employer_kbli="15201", skills=["menyelam rahasia"])
    await office.allocate()
    tables = [row[0] for row in await office.rows("select tablename::text from pg_tables where schemaname = 'public'")]
    assert {"decisions", "workers", "outbox", "seat_requests"} <= set(tables)
    held = str([await office.rows(f"select t::text from {table} t") for table in tables])
    said = json.dumps(await office.said())
    for secret in ("rahasia", "1987-06-05", "15201", "penggali", "RNT-"):
        assert secret not in held + said


async def test_the_audit_finds_nothing_in_a_healthy_database_and_names_what_was_broken(office: Office) -> None:
    await office.register_all([{}, {}, {}, {"has_layoff_letter": False}, {"has_plan": False}])
    await office.allocate()
    assert await audit(office) == set()
    breakages: dict[str, str] = {
        "worker_undecided": "update workers set facts_version = 2 where worker_id in (select worker_id from offers limit 1)",
        "review_missing": "delete from reviews",
        "confirmed_without_request": "delete from seat_requests where state = 'referred'",
        "seats_miscounted": "update incubators set taken = taken + 1 where taken > 0",
        "queue_miscounted": "insert into waitlists (province, sector, waiting) values ('32', 'food', 1)",
        "offer_missing": "update offers set state = 'declined', answered_at = offered_at where offer_id in "
        "(select offer_id from offers limit 1)",
    }
    for kind, statement in breakages.items():
        await execute(office, statement)
        assert kind in await audit(office)


async def test_the_audit_names_requests_and_offers_that_were_passed_over(office: Office) -> None:
    await office.register_all([{}, {}])
    await office.allocate()
    later = MAY_20 + timedelta(days=2)
    await execute(office, "update seat_requests set decided_at = decided_at + interval '2 days' where number = 2")
    await execute(office, "update seat_requests set state = 'requested', placed_at = null, number = null where number = 1")
    await execute(
        office,
        "update offers set state = 'expired', answered_at = $1, expires_at = expires_at + interval '1 day' where offer_id in "
        "(select offer_id from offers limit 1)",
        later,
    )
    await office.register(regency="99.01")
    assert {"request_passed_over", "offer_overdue", "province_unknown"} <= await audit(office)


async def audit(office: Office) -> set[str]:
    """Return the kinds of things that the audit finds broken."""
    found: set[str] = set()
    for block, values in AUDIT.values():
        async with office.database.connection() as connection:
            rows = await connection.fetch(block, *values)
        assert all(list(row.keys()) == ["kind", "subject", "since", "detail"] for row in rows)
        found |= {row["kind"] for row in rows}
    return found


async def execute(office: Office, statement: str, *values: Any) -> None:
    """Break something."""
    async with office.database.connection() as connection:
        await connection.execute(statement, *values)
