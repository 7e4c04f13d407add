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


@pytest.mark.parametrize("kind", BREAKS)
async def test_what_sums_prove_is_found_by_its_statement_once_one_row_is_broken(
    stage: Stage, postgres: PostgresForTests, kind: str
) -> None:
    await fill_all(stage, postgres.url, Million(200, datetime.now(UTC) - timedelta(minutes=1), 15))
    clean = await stage.audit()
    assert clean.is_clean, clean.as_dict()["findings"]

    await stage.sql(*BREAKS[kind])

    assert kind in {finding.where.split(": ")[-1] for finding in (await stage.audit()).findings}
