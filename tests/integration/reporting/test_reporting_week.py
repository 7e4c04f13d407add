"""The service through a week of business time in some seconds."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from shared.clock import Clock
from shared.testing import eventually
from tests.integration.reporting.reporting_setup import FRIDAY, MONDAY, TUESDAY, issued, submitted
from tests.integration.reporting.reporting_world import FACTOR, HEAD_START, World

pytestmark = pytest.mark.servers


@pytest.fixture
def clock(environment: dict[str, str]) -> Clock:
    """A business clock that runs 40,000 times as fast and reads Monday morning in some seconds."""
    assert environment
    return Clock(MONDAY, datetime.now(UTC) + HEAD_START, FACTOR)


async def test_a_week_of_reports_ends_as_filed_late_and_missed(world: World) -> None:
    await world.until("2021-08-02T08:00")
    await world.publish(*(issued(number) for number in ("P-1", "P-2", "P-3")))
    await world.publish(*(submitted(TUESDAY, number) for number in ("P-1", "P-2", "P-404")))
    await world.publish(submitted(TUESDAY, "P-3", employees_on_site=500))
    await world.until("2021-08-04T06:00")
    await world.publish(submitted(FRIDAY, "P-1"), submitted(TUESDAY, "P-3"))

    async def week_is_over() -> bool:
        ledger = await world.ledger()
        return [ledger.get((f"P-{n}", day)) for n in (1, 2, 3) for day in ("03 Aug", "06 Aug")] == [
            *("filed", "filed"),
            *("filed", "missed"),
            *("late", "missed"),
        ]

    await eventually(week_is_over, within=60, what="the ledger of the week")
    refused = "select exists (select from filings where state = 'refused' and permit_number = 'P-404')"
    await eventually(lambda: world.database.fetchval(refused), what="the refusal of the report without a permit")
    events = await world.read("reporting.filings", 8)
    p3 = [kind for kind, data, _ in events if data["permit_number"] == "P-3"]
    assert p3[:3] == ["returned", "missed", "accepted"]
    warned = await world.read("reporting.sanctions", 3)
    assert {(data["permit_number"], data["number"]) for _, data, _ in warned} >= {("P-2", 1), ("P-3", 1), ("P-3", 2)}
