from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from services.reporting.domain import FilingState, Finding, Period, PeriodState, judge, open_period
from services.reporting.domain.sentences import FINDINGS
from tests.unit.reporting.reporting_builders import CALENDAR, RULES, a_filing, a_permit, wib

TUESDAY = date(2021, 8, 3)
IN_TIME = wib("2021-08-03T10:00")
LATE = wib("2021-08-04T10:00")


def test_a_report_without_errors_is_accepted() -> None:
    verdict = judge(a_filing(TUESDAY, IN_TIME), a_permit(), None, RULES)
    assert (verdict.state, verdict.errors, verdict.warnings) == (FilingState.ACCEPTED, (), ())


@pytest.mark.parametrize(
    ("answers", "code", "field"),
    [
        ({"employees_on_site": 101}, "ON_SITE_ABOVE_TOTAL", "employees_on_site"),
        ({"cases_suspected": 60, "cases_confirmed": 41}, "CASES_ABOVE_TOTAL", "cases_confirmed"),
        ({"is_declared_true": False}, "DECLARATION_MISSING", "is_declared_true"),
        ({"vaccinated": None}, "FIELD_MISSING", "vaccinated"),
        ({"antigen_tests": None}, "FIELD_MISSING", "antigen_tests"),
    ],
)
def test_a_report_with_an_error_is_returned_with_its_reason(answers: dict[str, Any], code: str, field: str) -> None:
    verdict = judge(a_filing(TUESDAY, IN_TIME, **answers), a_permit(), None, RULES)
    assert (verdict.state, verdict.errors) == (FilingState.RETURNED, (Finding(code, field),))


def test_every_error_of_a_report_is_named_at_once() -> None:
    filing = a_filing(TUESDAY, IN_TIME, employees_on_site=101, cases_confirmed=101, is_declared_true=False)
    assert [finding.code for finding in judge(filing, a_permit(), None, RULES).errors] == [
        "ON_SITE_ABOVE_TOTAL",
        "CASES_ABOVE_TOTAL",
        "DECLARATION_MISSING",
    ]


@pytest.mark.parametrize(
    ("answers", "code"),
    [
        ({"has_screening": False}, "NO_SCREENING"),
        ({"has_protocol_sop": False}, "NO_PROTOCOL_SOP"),
        ({"vaccinated": 101}, "VACCINATED_ABOVE_TOTAL"),
        ({"employees_total": 151}, "WORKERS_DIFFER_FROM_PERMIT"),
    ],
)
def test_a_warning_is_noted_and_the_report_accepted(answers: dict[str, Any], code: str) -> None:
    verdict = judge(a_filing(TUESDAY, IN_TIME, **answers), a_permit(), None, RULES)
    assert (verdict.state, [finding.code for finding in verdict.warnings]) == (FilingState.ACCEPTED, [code])


@pytest.mark.parametrize(
    ("due_on", "arrived", "code"),
    [
        ("2021-08-04", "2021-08-03T10:00", "NOT_A_DUE_DAY"),
        ("0001-01-01", "2021-08-03T10:00", "NOT_A_DUE_DAY"),
        ("2021-08-06", "2021-08-03T23:59", "PERIOD_NOT_BEGUN"),
        ("9999-12-31", "2021-08-03T10:00", "PERIOD_NOT_BEGUN"),
        ("2021-06-25", "2021-08-03T10:00", "PERMIT_NOT_ACTIVE"),
    ],
)
def test_a_report_for_a_day_that_is_not_its_to_report_is_returned(due_on: str, arrived: str, code: str) -> None:
    filing = a_filing(date.fromisoformat(due_on), wib(arrived), form="2021-v1")
    assert Finding(code, "due_on") in judge(filing, a_permit(), None, RULES).errors


def test_the_last_day_of_a_revoked_permit_is_the_day_before() -> None:
    revoked = a_permit(revoked_on=TUESDAY)
    assert [f.code for f in judge(a_filing(TUESDAY, IN_TIME), revoked, None, RULES).errors] == ["PERMIT_NOT_ACTIVE"]
    friday = date(2021, 7, 30)
    assert judge(a_filing(friday, wib("2021-07-30T10:00")), revoked, None, RULES).errors == ()


@pytest.mark.parametrize(
    ("form", "due_on", "codes"),
    [
        ("2020-v1", "2020-05-08", []),
        ("2020-v1", "2021-08-03", ["FORM_NOT_FOR_PERIOD"]),
        ("2021-v1", "2020-05-08", ["FORM_NOT_FOR_PERIOD"]),
        ("2022-v9", "2021-08-03", ["FORM_UNKNOWN"]),
    ],
)
def test_each_form_is_good_for_its_own_time(form: str, due_on: str, codes: list[str]) -> None:
    permit = a_permit(issued_on=date(2020, 4, 30))
    filing = a_filing(date.fromisoformat(due_on), wib(f"{due_on}T10:00"), form=form)
    assert [finding.code for finding in judge(filing, permit, None, RULES).errors] == codes


def test_the_2020_form_needs_neither_declaration_nor_vaccinations() -> None:
    due_on = date(2020, 5, 8)
    filing = a_filing(due_on, wib("2020-05-08T10:00"), form="2020-v1", is_declared_true=False, vaccinated=None)
    assert judge(filing, a_permit(issued_on=date(2020, 4, 30)), None, RULES).errors == ()


@pytest.mark.parametrize(("due_on", "is_asked"), [("2021-09-07", False), ("2021-09-10", True)])
def test_pedulilindungi_is_asked_for_from_10_september_2021(due_on: str, *, is_asked: bool) -> None:
    filing = a_filing(date.fromisoformat(due_on), wib(f"{due_on}T10:00"), uses_pedulilindungi=None)
    assert bool(judge(filing, a_permit(), None, RULES).errors) is is_asked


def test_a_report_for_an_unknown_permit_waits() -> None:
    assert judge(a_filing(TUESDAY, IN_TIME), None, None, RULES).state is FilingState.UNMATCHED


def test_a_late_report_waits_until_its_period_is_closed() -> None:
    permit = a_permit()
    period = open_period(permit, TUESDAY, CALENDAR)
    filing = a_filing(TUESDAY, LATE)
    assert judge(filing, permit, period, RULES).state is FilingState.HELD
    assert judge(filing, permit, period.miss(LATE), RULES).state is FilingState.ACCEPTED


def test_a_late_report_with_errors_is_returned_at_once() -> None:
    permit = a_permit()
    filing = a_filing(TUESDAY, LATE, is_declared_true=False)
    assert judge(filing, permit, open_period(permit, TUESDAY, CALENDAR), RULES).state is FilingState.RETURNED


def test_nothing_is_expected_from_before_the_permit_was_known() -> None:
    permit = a_permit(supervised_from=date(2021, 8, 4))
    period = open_period(permit, TUESDAY, CALENDAR)
    assert period.state is PeriodState.LATE
    assert judge(a_filing(TUESDAY, LATE), permit, period, RULES).state is FilingState.ACCEPTED
    assert period.miss(LATE) == period


def test_every_finding_has_a_sentence_in_bahasa_indonesia() -> None:
    permit = a_permit(revoked_on=TUESDAY)
    worst = a_filing(
        TUESDAY,
        IN_TIME,
        employees_on_site=200,
        cases_confirmed=300,
        vaccinated=None,
        is_declared_true=False,
        has_screening=False,
        has_protocol_sop=False,
    )
    errors = judge(worst, permit, Period(permit.permit_id, TUESDAY, IN_TIME), RULES).errors
    assert errors
    assert {finding.code for finding in errors} <= set(FINDINGS)
