from datetime import UTC, datetime, timedelta

import pytest

from rintis.testing.postgres import PostgresForTests
from tests.integration.operations.million_stage import Million, fill_all
from tests.integration.operations.operations_stage import Stage

BREAKS = {
    "registration_unsaid": ("registration", "delete from sequences where key = md5('p7')::uuid::text"),
    "acceptance_unbacked": (
        "registration",
        "update registrations set submission_id = gen_random_uuid() where person_id = md5('p7')::uuid",
    ),
    "person_half_registered": ("registration", "delete from registrations where person_id = md5('p7')::uuid"),
    "person_unindexed": ("registration", "delete from nik_tokens where person_id = md5('p7')::uuid"),
    "worker_undecided": ("eligibility", "delete from decisions where worker_id = md5('p50')::uuid and facts_version = 2"),
    "decision_without_worker": ("eligibility", "delete from workers where worker_id = md5('p50')::uuid"),
    "confirmed_without_request": ("eligibility", "delete from seat_requests where worker_id = md5('p7')::uuid"),
    "request_without_decision": (
        "eligibility",
        "update seat_requests set decision_id = gen_random_uuid() where worker_id = md5('p7')::uuid",
    ),
    "message_unproven": ("notification", "delete from attempts where message_id = md5('m7')::uuid"),
}
NEWER = """
insert into {table} overriding system value
select (jsonb_populate_record(t, jsonb_build_object('{at}', t.{at} + interval '1 second', {others}))).*
from {table} as t where t.{at} is not null order by t.{at} desc limit 1
"""
"""A row as the newest of its table, a second later, and others of its own."""
ALONE = {
    "acceptance_unbacked": (
        "registration",
        NEWER.format(table="submissions", at="decided_at", others="'submission_id', gen_random_uuid()"),
    ),
    "registration_without_submission": (
        "registration",
        NEWER.format(
            table="registrations",
            at="registered_at",
            others="'person_id', gen_random_uuid(), 'submission_id', gen_random_uuid(), 'reference_id', gen_random_uuid()",
        ),
    ),
    "person_half_registered": (
        "registration",
        NEWER.format(table="persons", at="registered_at", others="'person_id', gen_random_uuid(), 'ticket', 'RNT-NEW'"),
    ),
    "worker_undecided": (
        "eligibility",
        NEWER.format(table="workers", at="heard_at", others=r"'worker_id', gen_random_uuid(), 'ticket_digest', '\x00'"),
    ),
    "decision_without_worker": (
        "eligibility",
        NEWER.format(
            table="decisions", at="decided_at", others="'decision_id', gen_random_uuid(), 'worker_id', gen_random_uuid()"
        ),
    ),
    "confirmed_without_request": (
        "eligibility",
        NEWER.format(
            table="decisions", at="decided_at", others="'decision_id', gen_random_uuid(), 'worker_id', gen_random_uuid()"
        ),
    ),
    "request_without_decision": (
        "eligibility",
        NEWER.format(
            table="seat_requests",
            at="decided_at",
            others="'request_id', gen_random_uuid(), 'worker_id', gen_random_uuid(), 'decision_id', gen_random_uuid()",
        ),
    ),
    "message_unqueued": (
        "notification",
        NEWER.format(
            table="messages",
            at="created_at",
            others="'id', gen_random_uuid(), 'event_id', gen_random_uuid(), 'seq', 1000000, 'state', 'waiting', 'settled_at', null",
        ),
    ),
}


@pytest.mark.parametrize("kind", ALONE)
async def test_what_sums_prove_of_new_rows_is_found_by_its_statement_once_one_stands_alone(
    stage: Stage, postgres: PostgresForTests, kind: str
) -> None:
    await fill_all(stage, postgres.url, Million(200, datetime.now(UTC) - timedelta(minutes=1), 15))
    first = await stage.audit(store=True)
    again = await stage.audit(store=True)
    assert (first.is_clean, again.is_clean, again.is_whole) == (True, True, False), again.as_dict()["findings"]

    await stage.sql(*ALONE[kind])
    found = await stage.audit(store=True)

    assert not found.is_whole
    assert kind in {finding.where.split(": ")[-1] for finding in found.findings}


@pytest.mark.parametrize("kind", BREAKS)
async def test_what_sums_prove_is_found_by_its_statement_once_one_row_is_broken(
    stage: Stage, postgres: PostgresForTests, kind: str
) -> None:
    await fill_all(stage, postgres.url, Million(200, datetime.now(UTC) - timedelta(minutes=1), 15))
    clean = await stage.audit()
    assert clean.is_clean, clean.as_dict()["findings"]

    await stage.sql(*BREAKS[kind])

    assert kind in {finding.where.split(": ")[-1] for finding in (await stage.audit()).findings}
