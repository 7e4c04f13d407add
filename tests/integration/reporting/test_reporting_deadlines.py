from __future__ import annotations

from dataclasses import replace
from datetime import date, time, timedelta

import pytest

from services.reporting.domain import Cadence
from services.reporting.handlers.deadlines import close_periods, fill_ahead
from services.reporting.handlers.filings import settle_waiting
from services.reporting.jobs import Closing
from shared.contracts.intake import PermitRevoked
from tests.integration.reporting.reporting_setup import (
    CONSUMERS,
    FRIDAY,
    GATE,
    MONDAY,
    TUESDAY,
    Office,
    Reached,
    issued,
    submitted,
    wib,
)

pytestmark = pytest.mark.servers

WEDNESDAY = wib("2021-08-04T00:00")


async def test_a_missing_report_becomes_a_record_and_a_warning_when_its_deadline_passes(office: Office) -> None:
    await office.hear(issued())
    await office.fill()
    await office.close(wib("2021-08-03T23:59:59"))
    assert (await office.ledger())[TUESDAY] == "expected"
    await office.close(WEDNESDAY)
    assert (await office.ledger())[TUESDAY] == "missed"
    assert await office.said() == ["filing.missed", "permit.warned"]
    assert await office.rows("select due_on, number, missed from warnings") == [(TUESDAY, 1, [TUESDAY])]


async def test_closing_again_changes_nothing(office: Office) -> None:
    await office.hear(issued())
    await office.fill()
    for _ in range(3):
        await office.close(WEDNESDAY)
    assert await office.said() == ["filing.missed", "permit.warned"]


async def test_warnings_are_numbered_within_their_row_and_cite_it(office: Office) -> None:
    await office.hear(issued())
    await office.fill()
    await office.close(wib("2021-08-07T00:00"))
    await office.hear(submitted(date(2021, 8, 10)), at=wib("2021-08-10T09:00"))
    await office.close(wib("2021-08-14T00:00"))
    assert await office.rows("select due_on, number, missed from warnings order by due_on") == [
        (TUESDAY, 1, [TUESDAY]),
        (FRIDAY, 2, [TUESDAY, FRIDAY]),
        (date(2021, 8, 13), 1, [date(2021, 8, 13)]),
    ]


async def test_a_report_after_the_miss_is_late_and_does_not_erase_it(office: Office) -> None:
    await office.hear(issued())
    await office.fill()
    await office.close(WEDNESDAY)
    await office.hear(submitted(), at=wib("2021-08-04T09:00"))
    assert (await office.ledger())[TUESDAY] == "late"
    assert await office.rows("select count(*) from expected_filings where missed_at is not null") == [(1,)]
    assert await office.rows("select count(*) from warnings") == [(1,)]
    ((payload,),) = await office.rows("select convert_from(payload, 'UTF8') from outbox where type like '%accepted%'")
    assert '"is_late":true' in payload


async def test_a_late_report_read_before_the_period_is_closed_follows_its_miss(office: Office) -> None:
    await office.hear(issued())
    await office.fill()
    await office.hear(submitted(), at=wib("2021-08-04T00:00:01"))
    assert await office.rows("select state from filings") == [("held",)]
    assert await office.said() == []
    await office.close(wib("2021-08-04T00:01"))
    assert await office.said() == ["filing.missed", "permit.warned", "filing.accepted"]
    assert (await office.ledger())[TUESDAY] == "late"


async def test_a_returned_report_that_is_not_mended_before_the_deadline_is_a_miss(office: Office) -> None:
    await office.hear(issued())
    await office.fill()
    await office.hear(submitted(is_declared_true=False), at=wib("2021-08-03T23:00"))
    await office.close(WEDNESDAY)
    assert await office.said() == ["filing.returned", "filing.missed", "permit.warned"]


async def test_a_permit_with_a_blocked_key_is_not_closed_and_others_are(office: Office) -> None:
    await office.hear(issued("P-1"), issued("P-2"))
    await office.fill()
    await office.rows(GATE, "reporting.filings", "intake.filings.siinas", "P-1")
    await office.close(WEDNESDAY)
    assert ((await office.ledger("P-1"))[TUESDAY], (await office.ledger("P-2"))[TUESDAY]) == ("expected", "missed")
    await office.rows("delete from gate returning key")
    await office.close(WEDNESDAY)
    assert (await office.ledger("P-1"))[TUESDAY] == "missed"


async def test_a_report_that_waits_for_its_permit_keeps_the_period_open(office: Office) -> None:
    await office.hear(submitted(), at=wib("2021-08-03T09:00"))
    await office.hear(issued())
    await office.fill()
    await close_periods(office.at(WEDNESDAY), WEDNESDAY, CONSUMERS)
    assert (await office.ledger())[TUESDAY] == "expected"
    await settle_waiting(office.at(WEDNESDAY))
    assert (await office.ledger())[TUESDAY] == "filed"


async def test_a_revocation_before_the_deadline_means_no_miss(office: Office) -> None:
    await office.hear(issued())
    await office.fill()
    await office.hear(PermitRevoked(permit_number="IOMKI-0001", revoked_on=date(2021, 8, 3)), at=wib("2021-08-03T09:00"))
    await office.close(WEDNESDAY)
    assert await office.said() == []


async def test_a_late_report_for_a_cancelled_period_is_returned(office: Office) -> None:
    await office.hear(issued())
    await office.fill()
    await office.hear(submitted(), at=wib("2021-08-04T09:00"))
    await office.hear(PermitRevoked(permit_number="IOMKI-0001", revoked_on=date(2021, 8, 3)), at=wib("2021-08-04T10:00"))
    await office.close(wib("2021-08-05T00:00"))
    assert await office.rows("select state, errors->0->>'code' from filings") == [("returned", "PERMIT_NOT_ACTIVE")]


async def test_a_newer_calendar_changes_what_is_expected_and_nothing_of_the_past(office: Office) -> None:
    await office.hear(issued())
    await office.fill()
    await office.close(WEDNESDAY)
    calendar = office.desk.rules.calendar
    monthly = (*calendar.cadences[:3], Cadence("saturdays", date(2021, 8, 7), frozenset({6}), time(23, 59)))
    rules = replace(office.desk.rules, calendar=replace(calendar, cadences=monthly, version="next"))
    desk = replace(office.at(WEDNESDAY), rules=rules)
    for _ in range(2):
        await fill_ahead(desk, ahead=timedelta(days=28), refill=timedelta(days=21))
    ledger = await office.ledger()
    assert [day for day, state in ledger.items() if state == "expected"][:3] == [FRIDAY, date(2021, 8, 7), date(2021, 8, 14)]
    assert (ledger[TUESDAY], ledger[date(2021, 8, 10)]) == ("missed", "cancelled")


async def test_the_ledger_is_filled_on_without_gaps_as_time_goes_by(office: Office) -> None:
    await office.hear(issued())
    for when in ("2021-08-02", "2021-08-20", "2021-09-20"):
        await office.fill(wib(f"{when}T09:00"))
    due = office.desk.rules.calendar.due_days(TUESDAY, date(2021, 10, 18))
    assert list(await office.ledger()) == list(due)


async def test_a_thousand_permits_are_closed_in_batches(office: Office) -> None:
    async with office.desk.database.transaction() as tx:
        await tx.execute(
            "insert into permits select gen_random_uuid(), 'P-' || n, 'active', 'nib', '10710', false, '32.73', 10, date '2021-07-01',"
            " date '2021-08-02', null, 'v1.x', 1, date '2021-08-01', '', $1, $1 from generate_series(1, 1000) n",
            MONDAY,
        )
    await office.fill()
    await office.close(WEDNESDAY)
    assert await office.rows("select count(*), count(distinct permit_id) from warnings") == [(1000, 1000)]
    assert await office.rows("select count(*) from notices") == [(2000,)]


async def test_closing_goes_no_further_than_the_slower_of_both_topics(office: Office) -> None:
    await office.hear(issued())
    await office.fill()
    saturday = wib("2021-08-07T00:00")
    filings = Reached(None, WEDNESDAY, saturday)
    closing = Closing(office.at(saturday), [Reached(saturday), filings], CONSUMERS)
    states = []
    for _ in range(3):
        await closing.run()
        ledger = await office.ledger()
        states.append((ledger[TUESDAY], ledger[FRIDAY]))
    assert states == [("expected", "expected"), ("missed", "expected"), ("missed", "missed")]
