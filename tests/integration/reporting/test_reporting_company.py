"""From a report with an error to the company's phone, and back to reporting's own record of it."""

from __future__ import annotations

import pytest

from rintis.testing.environment import ServiceStarter
from shared.testing import eventually
from tests.integration.reporting.reporting_setup import CONTACT, TUESDAY, issued, submitted
from tests.integration.reporting.reporting_world import World

pytestmark = pytest.mark.servers


async def test_a_company_is_told_why_its_report_was_returned(start_service: ServiceStarter, world: World) -> None:
    _, received = start_service.simulator("sms")
    start_service.simulator("smtp")
    start_service("notification", world.variables)
    await world.publish(issued("P-1"), submitted(TUESDAY, "P-1", employees_on_site=500))
    told = "select message_state from notices where type like '%returned%'"
    assert await eventually(lambda: world.database.fetchval(told), what="the state of the message") == "sent"
    (sms,) = received.read_text("utf-8").splitlines()
    assert str(CONTACT.phone) in sms
    assert "Jumlah pekerja di lokasi melebihi jumlah seluruh pekerja." in sms


async def test_what_the_service_logs_holds_no_contact(world: World) -> None:
    await world.publish(issued("P-1"), issued("P-2", kbli="x"), submitted(TUESDAY, "P-1"), submitted(TUESDAY, "P-404"))
    await eventually(lambda: world.database.fetchval("select count(*) = 2 from filings"), what="both reports")
    log = world.process.log.read_text("utf-8")
    assert "ready" in log
    for secret in ("Sari", "81234567890", "sari@", "Pabrik"):
        assert secret not in log
