import os
import time
from datetime import UTC, datetime, timedelta

import pytest

from rintis.operations.findings import Verdict
from rintis.testing.postgres import PostgresForTests
from tests.integration.operations.million_stage import Million, fill_all, work_on
from tests.integration.operations.operations_stage import Stage

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(1500),
    pytest.mark.measured,
]

EVENTS = int(os.environ.get("RINTIS_AUDIT_EVENTS", "1000000"))
"""Registrations of which every service has its rows and sums."""
MOST_SECONDS = 10.0
"""The first look at a million, on a machine of two cores that does nothing else."""
FRACTION = 0.75
"""Of the first look's time that a look on what was proven may take after six hours. After a million within a quarter of an hour a seventh of the
rows is newer than what has settled, so that look costs nearly as much as the first: only its bound is asked for."""
QUARTER, SIX_HOURS = 15, 360


async def timed(stage: Stage) -> tuple[Verdict, float]:
    began = time.monotonic()
    verdict = await stage.audit(store=True)
    return verdict, time.monotonic() - began


@pytest.mark.parametrize("minutes", [QUARTER, SIX_HOURS])
async def test_a_million_is_audited_in_seconds_and_the_next_audit_costs_a_fraction(
    stage: Stage, postgres: PostgresForTests, minutes: int
) -> None:
    million = Million(EVENTS, datetime.now(UTC) - timedelta(minutes=1), minutes)
    await fill_all(stage, postgres.url, million)

    first, first_seconds = await timed(stage)
    await work_on(stage, million)
    again, again_seconds = await timed(stage)

    sums = sum(stage_.accounted for stage_ in first.stages)
    print(f"\n{EVENTS:,} in {minutes} minutes, {sums:,} events heard: {first_seconds:.2f} s, then {again_seconds:.2f} s")  # noqa: T201
    assert (first.is_clean, first.is_whole, first.accepted) == (True, True, EVENTS), first.as_dict()["findings"][:3]
    assert (again.is_clean, again.is_whole) == (True, False), again.as_dict()["findings"][:3]
    assert first_seconds < MOST_SECONDS
    assert again_seconds < (FRACTION * first_seconds if minutes == SIX_HOURS else MOST_SECONDS)

    await stage.sql("notification", "delete from attempts where message_id = md5('m77')::uuid")
    await stage.sql(
        "eligibility",
        # What one consumer heard: what a service has said is compared with each of its hearers.
        "update flow_cells set events = events - 1 where ctid = (select min(ctid) from flow_cells where direction = 'heard')",
    )
    broken, broken_seconds = await timed(stage)
    print(f"with two things broken among it: {broken_seconds:.2f} s")  # noqa: T201
    assert {finding.where for finding in broken.findings} >= {"notification: message_unproven"}
    assert len(broken.findings) == 2
