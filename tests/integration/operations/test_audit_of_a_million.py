import os
import time
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import asyncpg
import pytest

from rintis.operations.findings import Verdict
from rintis.testing.postgres import PostgresForTests
from shared.storage import load_queries
from tests.integration.operations.operations_stage import WORKERS, Stage

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(1500),
    pytest.mark.measured,
]

EVENTS = int(os.environ.get("RINTIS_AUDIT_EVENTS", "1000000"))
"""Registrations of which every service has its rows and sums."""
MOST_SECONDS = 10.0
"""The first look at a million, on a machine of two cores that does other things too."""
FRACTION = 0.5
"""Of the first look's time that a look on what was proven may take."""
SQL = load_queries("tests.integration.operations", "million.sql")
TABLES = {
    "registration": ("fill_registration", "fill_tokens", "fill_submissions", "fill_registrations", "fill_sequences"),
    "eligibility": ("fill_workers", "fill_decisions", "fill_requests"),
    "notification": ("fill_messages", "fill_attempts"),
}
DECISIONS, PLACEMENTS, MESSAGES = "eligibility.decisions", "eligibility.placements", "notification.messages"
LEDGER = {
    "registration": [("said", "registration", WORKERS)]
    + [("heard", f"registration.{topic.split('.')[1]}", topic) for topic in (DECISIONS, PLACEMENTS, MESSAGES)],
    "eligibility": [
        ("said", "eligibility", DECISIONS),
        ("said", "eligibility", PLACEMENTS),
        ("heard", "eligibility.workers", WORKERS),
    ],
    "notification": [("said", "notification", MESSAGES)]
    + [("heard", f"notification.{topic.split('.')[1]}", topic) for topic in (WORKERS, DECISIONS, PLACEMENTS)],
    "reporting": [("heard", "reporting.messages", MESSAGES)],
}


async def fill(stage: Stage, admin: str, service: str, now: datetime) -> None:
    path = urlsplit(stage.environment[f"DATABASE_URL_{service.upper()}"]).path
    connection = await asyncpg.connect(urlsplit(admin)._replace(path=path).geturl())
    try:
        # Triggers of foreign keys would cost more than the rows, and the rows refer to what is there.
        await connection.execute("set session_replication_role = replica; set synchronous_commit = off")
        for block in TABLES.get(service, ()):
            await (connection.execute(SQL[block], EVENTS, now) if "$2" in SQL[block] else connection.execute(SQL[block], EVENTS))
        for side in LEDGER[service]:
            await connection.execute(SQL["fill_ledger"], EVENTS, now, *side)
        await connection.execute("vacuum analyze")
    finally:
        await connection.close()


async def timed(stage: Stage) -> tuple[Verdict, float]:
    began = time.monotonic()
    verdict = await stage.audit(store=True)
    return verdict, time.monotonic() - began


async def test_a_million_is_audited_in_seconds_and_the_next_audit_costs_a_fraction(
    stage: Stage, postgres: PostgresForTests
) -> None:
    now = datetime.now(UTC) - timedelta(minutes=1)
    began = time.monotonic()
    for service in LEDGER:
        await fill(stage, postgres.url, service, now)
        print(f"\n{service} filled after {time.monotonic() - began:.0f} s", flush=True)  # noqa: T201

    first, first_seconds = await timed(stage)
    again, again_seconds = await timed(stage)

    sums = sum(stage_.accounted for stage_ in first.stages)
    print(f"\n{EVENTS:,} registrations, {sums:,} events heard: {first_seconds:.2f} s, then {again_seconds:.2f} s")  # noqa: T201
    assert (first.is_clean, first.is_whole) == (True, True), first.as_dict()["findings"][:3]
    assert (again.is_clean, again.is_whole) == (True, False), again.as_dict()["findings"][:3]
    assert first_seconds < MOST_SECONDS
    assert again_seconds < FRACTION * first_seconds

    await stage.sql("notification", "delete from attempts where message_id = md5('m77')::uuid")
    await stage.sql("eligibility", "update flow_cells set events = events - 1 where ctid = (select min(ctid) from flow_cells)")
    broken, broken_seconds = await timed(stage)
    print(f"with two things broken among it: {broken_seconds:.2f} s")  # noqa: T201
    assert {finding.where for finding in broken.findings} >= {"notification: message_unproven"}
    assert len(broken.findings) == 2
