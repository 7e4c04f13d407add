"""Reports: the versions of the form, the checks with their grades, and the verdict on one report."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from services.reporting.domain.calendar import Calendar
from services.reporting.domain.ledger import Period, PeriodState
from services.reporting.domain.permits import Finding, Permit

WORKERS_TOLERANCE = 0.5
"""By how much of the permit's figure the reported employees may differ before it is noted. Our assumption."""


class FilingState(StrEnum):
    """What became of one report."""

    UNMATCHED = "unmatched"
    """Its permit is not known yet; it is tried again when the permit comes."""
    HELD = "held"
    """It came after the deadline of a period that is about to be closed; it is counted right after."""
    ACCEPTED = "accepted"
    """It passed every check and counts."""
    RETURNED = "returned"
    """It has errors that the company must mend."""
    REFUSED = "refused"
    """Its permit did not become known in time."""


@dataclass(frozen=True, slots=True)
class Form:
    """One version of the report form.

    `required` names fields beside those that every report has, each with the first due day that asks for it.
    """

    name: str
    first_due_on: date
    last_due_on: date | None
    required: tuple[tuple[str, date], ...]
    is_declaration_required: bool

    def is_for(self, due_on: date) -> bool:
        """Return whether the form may be used for a due day."""
        return self.first_due_on <= due_on and (self.last_due_on is None or due_on <= self.last_due_on)


@dataclass(frozen=True, slots=True)
class Rules:
    """The dated rules that reports are measured by."""

    calendar: Calendar
    forms: Mapping[str, Form]


@dataclass(frozen=True, slots=True)
class Answers:
    """What a report says: counts and yes/no only, nothing about a named person."""

    employees_total: int
    employees_on_site: int
    cases_suspected: int = 0
    cases_confirmed: int = 0
    has_screening: bool = True
    has_protocol_sop: bool = True
    transport: str = ""
    vaccinated: int | None = None
    pcr_tests: int | None = None
    antigen_tests: int | None = None
    uses_pedulilindungi: bool | None = None
    is_declared_true: bool = False


@dataclass(frozen=True, slots=True)
class Filing:
    """One report as it came.

    `arrived_at` is business time: the broker's, or the moment our door took it. `cause` is the event that brought it,
    `submission_id` what a copy of it is recognised by.
    """

    filing_id: UUID
    submission_id: UUID
    cause: UUID
    publisher: str
    permit_number: str
    due_on: date
    form: str
    arrived_at: datetime
    answers: Answers


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is decided about a report: errors return it, warnings are noted beside its acceptance."""

    state: FilingState
    errors: tuple[Finding, ...] = ()
    warnings: tuple[Finding, ...] = ()


def judge(filing: Filing, permit: Permit | None, period: Period | None, rules: Rules) -> Verdict:
    """Return the verdict on a report, given its permit and its period where they are known."""
    if permit is None:
        return Verdict(FilingState.UNMATCHED)
    errors = (*_check_period(filing, permit, rules), *_check_answers(filing, rules))
    # Errors first: a report that must be mended gains nothing by waiting.
    if errors:
        return Verdict(FilingState.RETURNED, errors)
    warnings = tuple(_note(filing.answers, permit))
    if period is not None and period.state is PeriodState.EXPECTED and not period.is_in_time(filing.arrived_at):
        return Verdict(FilingState.HELD, warnings=warnings)
    return Verdict(FilingState.ACCEPTED, warnings=warnings)


def open_period(permit: Permit, due_on: date, calendar: Calendar) -> Period:
    """Return the period of a report for which the ledger has no row yet.

    Before the permit was known here nothing was expected, so nothing can be missed: a report for such a day only comes late.
    """
    state = PeriodState.EXPECTED if due_on >= permit.supervised_from else PeriodState.LATE
    return Period(permit.permit_id, due_on, calendar.deadline(due_on), state)


def _check_period(filing: Filing, permit: Permit, rules: Rules) -> Iterator[Finding]:
    calendar = rules.calendar
    # The first that applies is enough: for a day that is no due day there is no period to speak of.
    if not calendar.is_due(filing.due_on):
        yield Finding("NOT_A_DUE_DAY", "due_on")
    elif calendar.day_of(filing.arrived_at) < calendar.period_begins_on(filing.due_on):
        yield Finding("PERIOD_NOT_BEGUN", "due_on")
    elif not permit.owes(filing.due_on):
        yield Finding("PERMIT_NOT_ACTIVE", "due_on")


def _check_answers(filing: Filing, rules: Rules) -> Iterator[Finding]:
    answers = filing.answers
    if answers.employees_on_site > answers.employees_total:
        yield Finding("ON_SITE_ABOVE_TOTAL", "employees_on_site")
    # Nobody is suspected and confirmed at once, so the sum is a number of people.
    if answers.cases_suspected + answers.cases_confirmed > answers.employees_total:
        yield Finding("CASES_ABOVE_TOTAL", "cases_confirmed")
    form = rules.forms.get(filing.form)
    if form is None:
        yield Finding("FORM_UNKNOWN", "form")
    elif not form.is_for(filing.due_on):
        yield Finding("FORM_NOT_FOR_PERIOD", "form")
    else:
        yield from _check_form(filing, form)


def _check_form(filing: Filing, form: Form) -> Iterator[Finding]:
    for name, first_due_on in form.required:
        # Absent is not zero: the company did not answer.
        if filing.due_on >= first_due_on and getattr(filing.answers, name) is None:
            yield Finding("FIELD_MISSING", name)
    if form.is_declaration_required and not filing.answers.is_declared_true:
        yield Finding("DECLARATION_MISSING", "is_declared_true")


def _note(answers: Answers, permit: Permit) -> Iterator[Finding]:
    if not answers.has_screening:
        yield Finding("NO_SCREENING", "has_screening")
    if not answers.has_protocol_sop:
        yield Finding("NO_PROTOCOL_SOP", "has_protocol_sop")
    if answers.vaccinated is not None and answers.vaccinated > answers.employees_total:
        yield Finding("VACCINATED_ABOVE_TOTAL", "vaccinated")
    if abs(answers.employees_total - permit.workers) > WORKERS_TOLERANCE * permit.workers:
        yield Finding("WORKERS_DIFFER_FROM_PERMIT", "employees_total")
