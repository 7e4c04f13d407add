from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI

from services.reporting.api import filing_router, view_router
from shared.security import Caller, Callers
from shared.service.problems import add_problem_handlers
from tests.integration.reporting.reporting_setup import FRIDAY, NUMBER, TUESDAY, Office, issued, submitted, wib

pytestmark = pytest.mark.servers


def caller(person: str, role: str, *regions: str) -> tuple[str, Caller]:
    return hashlib.sha256(person.encode()).hexdigest(), Caller(person, frozenset({role}), frozenset(regions))


CALLERS = Callers(
    [
        caller("siinas", "publisher", "*"),
        caller("jabar", "publisher", "32"),
        caller("jatim", "publisher", "35"),
        caller("pembina", "staff", "*"),
        caller("dinas-jatim", "staff", "35"),
    ]
)


@pytest_asyncio.fixture
async def door(office: Office) -> AsyncIterator[httpx.AsyncClient]:
    """The service's HTTP API, called by the publisher siinas."""
    app = FastAPI()
    add_problem_handlers(app)
    app.include_router(filing_router(office.desk, CALLERS, 8))
    app.include_router(view_router(office.desk, CALLERS))
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://reporting", headers=by("siinas")) as client:
        yield client


def by(person: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {person}"}


def body(**changes: Any) -> dict[str, Any]:
    return submitted(**changes).model_dump(mode="json")


async def test_a_report_is_answered_with_its_verdict_once_it_is_committed(office: Office, door: httpx.AsyncClient) -> None:
    await office.hear(issued())
    answer = await door.post("/filings", json=body())
    assert (answer.status_code, answer.json()["state"], answer.json()["detail"]) == (202, "accepted", "Laporan diterima.")
    assert await office.said() == ["filing.accepted"]
    assert await office.rows("select direction, party, outcome, events from flow where direction = 'door'") == [
        ("door", "http", "accepted", 1)
    ]


async def test_many_reports_get_a_verdict_each(office: Office, door: httpx.AsyncClient) -> None:
    await office.hear(issued())
    items = [body(), body(employees_on_site=500), {"reference": "x"}, body(number="P-404"), 7]
    answer = await door.post("/filings", json=items)
    results = answer.json()["results"]
    assert [result["state"] for result in results] == ["accepted", "returned", "refused", "unmatched", "refused"]
    assert results[1]["errors"] == [
        {
            "code": "ON_SITE_ABOVE_TOTAL",
            "field": "employees_on_site",
            "detail": "Jumlah karyawan yang bekerja di lokasi lebih besar daripada jumlah seluruh karyawan.",
        }
    ]
    assert results[2]["errors"][0]["code"] == "schema_missing"


async def test_the_same_call_five_times_is_one_report_with_one_answer(office: Office, door: httpx.AsyncClient) -> None:
    await office.hear(issued())
    report = body()
    headers = {"Idempotency-Key": "key-1"}
    answers = [await door.post("/filings", json=report, headers=headers) for _ in range(5)]
    assert {answer.text for answer in answers} == {answers[0].text}
    assert [answer.headers.get("Idempotent-Replayed") for answer in answers] == [None, "true", "true", "true", "true"]
    assert await office.said() == ["filing.accepted"]


async def test_the_same_call_at_the_same_time_is_one_report(office: Office, door: httpx.AsyncClient) -> None:
    await office.hear(issued())
    report = body(number="P-404")
    calls = [
        door.post("/filings", json=report, headers=headers) for headers in ({"Idempotency-Key": "key-1"}, {}) for _ in range(3)
    ]
    answers = await asyncio.gather(*calls)
    assert {answer.status_code for answer in answers} == {202}
    assert await office.rows("select count(*) from filings") == [(1,)]


async def test_a_key_used_for_another_call_is_refused(office: Office, door: httpx.AsyncClient) -> None:
    await office.hear(issued())
    headers = {"Idempotency-Key": "key-1"}
    await door.post("/filings", json=body(), headers=headers)
    answer = await door.post("/filings", json=body(), headers=headers)
    assert (answer.status_code, answer.json()["field"]) == (422, "Idempotency-Key")


async def test_the_same_reference_is_the_same_report_without_any_key(office: Office, door: httpx.AsyncClient) -> None:
    await office.hear(issued())
    report = body()
    first, second = await door.post("/filings", json=report), await door.post("/filings", json=report)
    changed = await door.post("/filings", json=report | {"employees_on_site": 41})
    assert first.json() == second.json()
    assert changed.json()["errors"][0]["code"] == "REFERENCE_REUSED"
    assert await office.said() == ["filing.accepted"]


async def test_nobody_files_for_a_permit_outside_their_region(office: Office, door: httpx.AsyncClient) -> None:
    await office.hear(issued())
    refused = await door.post("/filings", json=body(), headers=by("jatim"))
    assert refused.json()["errors"][0]["code"] == "OUTSIDE_REGION"
    assert (await door.post("/filings", json=body(), headers=by("jabar"))).json()["state"] == "accepted"


@pytest.mark.parametrize(("headers", "status"), [({"Authorization": ""}, 401), (by("nobody"), 401), (by("pembina"), 403)])
async def test_only_publishers_file(door: httpx.AsyncClient, headers: dict[str, str], status: int) -> None:
    assert (await door.post("/filings", json=body(), headers=headers)).status_code == status


@pytest.mark.parametrize("content", [b"", b"{", b"7", b"[]", b'{"reference": "x"}', b"[" + b"1," * 1000 + b"1]"])
async def test_a_body_that_breaks_the_contract_is_a_problem(door: httpx.AsyncClient, content: bytes) -> None:
    answer = await door.post("/filings", content=content)
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")


async def test_a_body_that_is_too_large_is_not_read_to_its_end(door: httpx.AsyncClient) -> None:
    assert (await door.post("/filings", content=b" " * (5 << 20))).status_code == 413


async def test_the_calendar_says_what_is_due_and_what_became_of_it(office: Office, door: httpx.AsyncClient) -> None:
    await office.hear(issued())
    await office.fill()
    await office.hear(submitted(TUESDAY), at=wib("2021-08-03T09:00"))
    await office.hear(submitted(FRIDAY, is_declared_true=False), at=wib("2021-08-06T09:00"))
    calendar = (await door.get(f"/permits/{NUMBER}/calendar")).json()
    first, second = calendar["periods"][:2]
    assert (first["state"], first["detail"]) == (
        "filed",
        "Laporan untuk Selasa, 3 Agustus 2021 kami terima tepat waktu, pada Selasa, 3 Agustus 2021 pukul 09.00 WIB.",
    )
    assert (second["state"], second["deadline"]) == ("expected", "2021-08-06T23:59:59.999999+07:00")
    assert second["last_filing"]["errors"][0]["detail"] == "Pernyataan bahwa data benar belum disetujui."


@pytest.mark.parametrize("person", ["jatim", "dinas-jatim"])
async def test_a_calendar_outside_the_region_is_not_shown(office: Office, door: httpx.AsyncClient, person: str) -> None:
    await office.hear(issued())
    assert (await door.get(f"/permits/{NUMBER}/calendar", headers=by(person))).status_code == 404


async def test_a_publisher_asks_what_became_of_its_submissions(office: Office, door: httpx.AsyncClient) -> None:
    (news,) = await office.hear(issued())
    (report,) = await office.hear(submitted(employees_on_site=500))
    permit = await door.get("/submissions", params={"source": "/siinas", "id": news})
    filing = await door.get("/submissions", params={"source": "/siinas", "id": report})
    assert (permit.json()["kind"], permit.json()["outcome"]) == ("permit_issued", "accepted")
    assert (filing.json()["outcome"], filing.json()["errors"][0]["code"]) == ("returned", "ON_SITE_ABOVE_TOTAL")
    for person, status in (("jatim", 404), ("pembina", 200)):
        asked = {"source": "/siinas", "id": report, "publisher": "siinas"}
        assert (await door.get("/submissions", params=asked, headers=by(person))).status_code == status


async def test_a_report_sent_over_http_is_asked_for_by_its_reference(office: Office, door: httpx.AsyncClient) -> None:
    await office.hear(issued())
    report = body()
    await door.post("/filings", json=report)
    verdict = await door.get("/submissions", params={"source": "http:siinas", "id": report["reference"]})
    assert verdict.json()["outcome"] == "accepted"


async def test_the_ministry_sees_counts_by_province_and_a_dinas_its_own(office: Office, door: httpx.AsyncClient) -> None:
    await office.hear(issued("P-1"), issued("P-2", regency="35.78"))
    await office.fill()
    await office.hear(submitted(number="P-1"))
    await office.close(wib("2021-08-04T00:00"))
    provinces = (await door.get("/supervision/summary", headers=by("pembina"))).json()["provinces"]
    assert [(p["province"], p["filed"], p["missed"], p["warnings"]) for p in provinces] == [("32", 1, 0, 0), ("35", 0, 1, 1)]
    own = (await door.get("/supervision/summary", headers=by("dinas-jatim"))).json()["provinces"]
    assert [province["province"] for province in own] == ["35"]
