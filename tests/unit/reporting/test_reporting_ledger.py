from __future__ import annotations

from dataclasses import replace
from datetime import date
from uuid import UUID

import pytest

from services.reporting.domain import (
    FilingState,
    Period,
    PeriodState,
    PeriodStillOpen,
    open_period,
    sanctions,
    settle,
)
from services.reporting.domain.sentences import describe_period
from tests.unit.reporting.reporting_builders import CALENDAR, JAKARTA, RULES, a_filing, a_permit, wib

TUESDAY = date(2021, 8, 3)
IN_TIME = wib("2021-08-03T23:59:59")
LATE = wib("2021-08-04T00:00:00")
FIRST, SECOND = UUID(int=1), UUID(int=2)


def a_period(due_on: date = TUESDAY) -> Period:
    return open_period(a_permit(), due_on, CALENDAR)


def ledger(*states: str) -> list[Period]:
    """Return periods on successive due days: f filed, m missed, l late, e expected, c cancelled."""
    made: list[Period] = []
    for day, state in zip(CALENDAR.due_days(date(2021, 8, 1), date(2021, 9, 30)), "".join(states), strict=False):
        period = a_period(day)
        if state in "ml":
            period = period.miss(wib("2021-10-01T00:00"))
        if state in "fl":
            period = period.accept(FIRST, period.deadline if state == "f" else wib("2021-10-02T00:00"))
        made.append(period.cancel() if state == "c" else period)
    return made


def test_a_report_in_the_last_second_is_in_time_and_one_after_midnight_is_late() -> None:
    assert a_period().accept(FIRST, IN_TIME).state is PeriodState.FILED
    assert a_period().miss(LATE).accept(FIRST, LATE).state is PeriodState.LATE


def test_a_late_report_does_not_erase_the_miss() -> None:
    late = a_period().miss(LATE).accept(FIRST, LATE)
    assert late.was_missed
    assert late.missed_at == LATE


def test_a_late_report_is_not_counted_before_the_period_is_closed() -> None:
    with pytest.raises(PeriodStillOpen):
        a_period().accept(FIRST, LATE)


def test_a_period_is_not_missed_before_its_deadline() -> None:
    assert a_period().miss(IN_TIME) == a_period()


def test_closing_twice_changes_nothing() -> None:
    closed = a_period().miss(LATE)
    assert closed.miss(wib("2021-09-01T00:00")) == closed


def test_a_second_accepted_report_corrects_the_first() -> None:
    period = a_period().accept(FIRST, wib("2021-08-02T08:00")).accept(SECOND, wib("2021-08-03T08:00"))
    assert (period.filing_id, period.versions, period.state) == (SECOND, 2, PeriodState.FILED)


def test_an_older_report_that_is_read_later_does_not_replace_a_newer_one() -> None:
    period = a_period().accept(SECOND, wib("2021-08-03T08:00")).accept(FIRST, wib("2021-08-02T08:00"))
    assert (period.filing_id, period.versions) == (SECOND, 2)


def test_a_correction_after_the_deadline_leaves_the_period_filed_in_time() -> None:
    period = a_period().accept(FIRST, IN_TIME).accept(SECOND, LATE)
    assert (period.filing_id, period.state, period.was_missed) == (SECOND, PeriodState.FILED, False)


def test_a_revocation_cancels_only_what_is_open() -> None:
    assert [period.cancel().state.value[0] for period in ledger("fmle")] == ["f", "m", "l", "c"]


@pytest.mark.parametrize(
    ("states", "numbers"),
    [("ffff", []), ("m", [1]), ("mmm", [1, 2, 3]), ("mfm", [1, 1]), ("mlm", [1, 2, 3]), ("mem", [1, 2]), ("mcm", [1, 2])],
)
def test_each_miss_gets_one_warning_numbered_within_its_row(states: str, numbers: list[int]) -> None:
    assert [step.number for step in sanctions(ledger(states))] == numbers


def test_a_warning_cites_every_missed_period_of_its_row() -> None:
    steps = sanctions(ledger("fmm"))
    assert steps[-1].missed == (date(2021, 8, 6), date(2021, 8, 10))


def test_sanctions_do_not_depend_on_the_order_in_which_the_ledger_is_read() -> None:
    assert sanctions(list(reversed(ledger("mmfml")))) == sanctions(ledger("mmfml"))


def test_two_reports_of_one_batch_count_once_each_for_their_own_period() -> None:
    permit, friday = a_permit(), date(2021, 8, 6)
    filings = [a_filing(friday, wib("2021-08-05T09:00")), a_filing(TUESDAY, wib("2021-08-03T09:00"))]
    settlement = settle(filings, {permit.number: permit}, {}, RULES)
    assert {period.due_on: period.versions for period in settlement.periods} == {TUESDAY: 1, friday: 1}


def test_a_returned_report_is_mended_by_filing_again() -> None:
    permit = a_permit()
    wrong = a_filing(TUESDAY, wib("2021-08-03T09:00"), employees_on_site=500)
    mended = a_filing(TUESDAY, wib("2021-08-03T10:00"))
    settlement = settle([mended, wrong], {permit.number: permit}, {}, RULES)
    assert [d.verdict.state for d in settlement.decisions] == [FilingState.RETURNED, FilingState.ACCEPTED]
    assert [period.filing_id for period in settlement.periods] == [mended.filing_id]


@pytest.mark.parametrize(
    ("period", "sentence"),
    [
        (a_period(), "Laporan untuk Selasa, 3 Agustus 2021 ditunggu paling lambat Selasa, 3 Agustus 2021 pukul 23.59 WIB."),
        (
            a_period().accept(FIRST, IN_TIME),
            "Laporan untuk Selasa, 3 Agustus 2021 kami terima tepat waktu, pada Selasa, 3 Agustus 2021 pukul 23.59 WIB.",
        ),
        (
            a_period().miss(LATE),
            "Laporan untuk Selasa, 3 Agustus 2021 tidak kami terima sampai tenggat. Peringatan tertulis telah diterbitkan.",
        ),
        (
            a_period().miss(LATE).accept(FIRST, LATE),
            "Laporan untuk Selasa, 3 Agustus 2021 kami terima terlambat, pada Rabu, 4 Agustus 2021 pukul 00.00 WIB.",
        ),
        (a_period().cancel(), "Laporan untuk Selasa, 3 Agustus 2021 tidak lagi diwajibkan."),
        (
            replace(a_period(), state=PeriodState.CANCELLED),
            "Laporan untuk Selasa, 3 Agustus 2021 tidak lagi diwajibkan.",
        ),
    ],
)
def test_what_became_of_a_period_is_said_in_bahasa_indonesia(period: Period, sentence: str) -> None:
    assert describe_period(period, JAKARTA) == sentence
