from __future__ import annotations

from datetime import timedelta

import pytest

from tests.integration.inside_statements import inside_statements
from tests.integration.reporting.reporting_setup import MONDAY, Office, issued, submitted, wib

pytestmark = pytest.mark.servers

AUDIT = inside_statements("reporting")
WEDNESDAY = wib("2021-08-04T00:00")

BREAKS = {
    "sweep_stopped": "update sweeps set marked_at = clock_timestamp() - interval '6 minutes' returning name",
    "period_overdue": "update expected_filings set state = 'expected', missed_at = null where state = 'missed' returning due_on",
    "filing_undecided": "update filings set state = 'held', arrived_at = arrived_at - interval '10 days' returning state",
    "permit_unfilled": "update permits set expected_until = '2021-08-05', known_at = known_at - interval '10 days' returning number",
    "warning_missing": "delete from warnings returning warning_id",
    "warning_groundless": "update expected_filings set missed_at = null, state = 'cancelled' where state = 'missed' returning due_on",
    "miss_unjust": "update expected_filings set missed_at = deadline where state = 'filed' returning due_on",
    "filing_counted_twice": "update expected_filings set versions = 2 where state = 'filed' returning due_on",
    "event_missing": "delete from notices where type like '%accepted%' returning type",
}


async def found(office: Office) -> set[str]:
    """Return the kinds of broken things that the audit names."""
    return {kind for statement, values in AUDIT.values() for kind, *_ in await office.rows(statement, *values)}


async def after_the_first_deadline(office: Office) -> None:
    """One permit filed, one missed, a later duty looked after."""
    await office.hear(issued("P-1"), issued("P-2"))
    await office.fill()
    await office.hear(submitted(number="P-1"))
    await office.close(WEDNESDAY)
    await office.fill(MONDAY + timedelta(days=4))


async def test_the_audit_names_nothing_when_all_is_well(office: Office) -> None:
    await after_the_first_deadline(office)
    assert await found(office) == set()


@pytest.mark.parametrize("kind", BREAKS)
async def test_the_audit_names_what_is_broken(office: Office, kind: str) -> None:
    await after_the_first_deadline(office)
    assert await office.rows(BREAKS[kind])
    assert kind in await found(office)
