from __future__ import annotations

from datetime import date, timedelta

import pytest

from services.reporting.handlers.filings import settle_waiting
from services.reporting.jobs import Refusing
from shared.contracts.boxes import Company
from shared.contracts.intake import CompanyContact, PermitChanged, PermitRevoked
from tests.integration.reporting.reporting_setup import (
    CONTACT,
    FRIDAY,
    GATE,
    MONDAY,
    NUMBER,
    TUESDAY,
    Office,
    Reached,
    issued,
    submitted,
    wib,
)

pytestmark = pytest.mark.servers

PATIENCE = timedelta(hours=72)


async def test_an_issued_permit_owes_its_reports_from_the_day_on_which_it_is_known(office: Office) -> None:
    await office.hear(issued(issued_on=date(2020, 5, 1)))
    await office.fill()
    ledger = await office.ledger()
    assert list(ledger)[:3] == [TUESDAY, FRIDAY, date(2021, 8, 10)]
    assert set(ledger.values()) == {"expected"}


async def test_contacts_rest_and_travel_sealed(office: Office) -> None:
    await office.hear(issued())
    await office.hear(submitted(), at=wib("2021-08-03T09:00"))
    everything = str(await office.rows("select p::text, n::text from permits p, permit_news n"))
    everything += str(await office.rows("select convert_from(payload, 'UTF8') from outbox"))
    assert "v1." in everything
    for secret in ("Sari", "81234567890", "sari@", "Pabrik"):
        assert secret not in everything
    ((permit_id, sealed),) = await office.rows("select permit_id, company from permits")
    (opened,) = await office.desk.boxes.open([(permit_id, sealed)], "company", Company)
    assert opened is not None
    assert (opened.company, opened.phone) == ("PT Pabrik Sari Rasa", CONTACT.phone)


async def test_a_report_in_time_is_accepted_and_counts_for_its_period(office: Office) -> None:
    await office.hear(issued())
    await office.fill()
    await office.hear(submitted(TUESDAY), at=wib("2021-08-03T23:59:59"))
    assert (await office.ledger())[TUESDAY] == "filed"
    assert await office.said() == ["filing.accepted"]


async def test_the_same_event_again_changes_nothing(office: Office) -> None:
    report = submitted()
    for event in (issued(), report):
        ids = await office.hear(event)
        before = await office.rows("select * from outbox"), await office.rows("select * from filings")
        for _ in range(4):
            await office.hear(event, ids=ids)
        assert before == (await office.rows("select * from outbox"), await office.rows("select * from filings"))
    assert await office.rows("select versions from expected_filings where state = 'filed'") == [(1,)]


async def test_a_wrong_report_is_returned_with_reasons_and_mended_by_filing_again(office: Office) -> None:
    await office.hear(issued())
    await office.hear(submitted(employees_on_site=400), at=wib("2021-08-03T09:00"))
    await office.hear(submitted(), at=wib("2021-08-03T10:00"))
    assert await office.said() == ["filing.returned", "filing.accepted"]
    ((payload,),) = await office.rows("select convert_from(payload, 'UTF8') from outbox where type like '%returned%'")
    assert '"reasons":[{"code":"ON_SITE_ABOVE_TOTAL","field":"employees_on_site"}]' in payload


async def test_a_report_for_an_unknown_permit_is_counted_when_the_permit_comes(office: Office) -> None:
    await office.hear(submitted(), at=wib("2021-08-03T09:00"))
    assert await office.rows("select state from filings") == [("unmatched",)]
    await settle_waiting(office.desk)
    assert await office.said() == []
    await office.hear(issued())
    await settle_waiting(office.at(wib("2021-08-05T09:00")))
    assert await office.rows("select state, is_late from filings") == [("accepted", False)]
    assert await office.said() == ["filing.accepted"]


async def test_a_report_whose_permit_never_comes_is_refused_with_its_reason(office: Office) -> None:
    await office.hear(submitted(), at=MONDAY)
    for hours in (71, 73):
        assert await office.rows("select state from filings") == [("unmatched",)]
        when = MONDAY + timedelta(hours=hours)
        await Refusing(office.at(when), Reached(when), PATIENCE, "reporting.permits").run()
    assert await office.rows("select state, errors->0->>'code' from filings") == [("refused", "PERMIT_UNKNOWN")]


async def test_no_report_is_refused_while_news_of_permits_is_not_read(office: Office) -> None:
    await office.hear(submitted(), at=MONDAY)
    when = MONDAY + timedelta(hours=100)
    for reached in (Reached(None), Reached(MONDAY + timedelta(hours=71))):
        await Refusing(office.at(when), reached, PATIENCE, "reporting.permits").run()
    await office.rows(GATE, "reporting.permits", "intake.permits.siinas", NUMBER)
    await Refusing(office.at(when), Reached(when), PATIENCE, "reporting.permits").run()
    assert await office.rows("select state from filings") == [("unmatched",)]


async def test_a_wrong_permit_is_refused_and_its_neighbours_are_not(office: Office) -> None:
    await office.hear(issued("P-1", kbli="x"), issued("P-2"), issued("P-3", issued_on=date(2030, 1, 1)))
    assert await office.rows("select number from permits") == [("P-2",)]
    outcomes = await office.rows("select outcome, errors->0->>'code' from permit_news order by 1, 2")
    assert outcomes == [("accepted", None), ("refused", "DATE_IN_FUTURE"), ("refused", "KBLI_INVALID")]


async def test_a_new_contact_keeps_the_company_name(office: Office) -> None:
    await office.hear(issued())
    contact = CompanyContact(name="Budi", email="budi@pabrik.example")
    await office.hear(PermitChanged(permit_number=NUMBER, contact=contact, workers=80))
    ((permit_id, sealed, workers),) = await office.rows("select permit_id, company, workers from permits")
    (opened,) = await office.desk.boxes.open([(permit_id, sealed)], "company", Company)
    assert opened is not None
    assert (opened.company, opened.name, opened.phone, workers) == ("PT Pabrik Sari Rasa", "Budi", None, 80)


async def test_a_change_of_a_permit_that_nobody_issued_is_refused(office: Office) -> None:
    await office.hear(
        PermitChanged(permit_number="P-404", workers=1), PermitRevoked(permit_number="P-404", revoked_on=date(2021, 8, 1))
    )
    assert await office.rows("select outcome, errors->0->>'code' from permit_news") == [("refused", "PERMIT_UNKNOWN")] * 2


async def test_a_revoked_permit_owes_nothing_from_that_day_on(office: Office) -> None:
    await office.hear(issued())
    await office.fill()
    await office.hear(PermitRevoked(permit_number=NUMBER, revoked_on=FRIDAY), at=wib("2021-08-06T09:00"))
    ledger = await office.ledger()
    assert ledger.pop(TUESDAY) == "expected"
    assert set(ledger.values()) == {"cancelled"}


async def test_a_permit_issued_anew_after_its_revocation_owes_reports_again(office: Office) -> None:
    await office.hear(issued())
    await office.fill()
    await office.hear(PermitRevoked(permit_number=NUMBER, revoked_on=FRIDAY), at=wib("2021-08-06T09:00"))
    again = wib("2021-08-21T09:00")
    await office.hear(issued(issued_on=date(2021, 8, 20)), at=again)
    await office.fill(again)
    ledger = await office.ledger()
    assert [ledger[date(2021, 8, day)] for day in (10, 20, 24, 27)] == ["cancelled", "cancelled", "expected", "expected"]
