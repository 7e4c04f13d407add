"""A stateful property of the ledger: whatever is filed, in whatever order it is read, each period ends as it must."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from uuid import UUID

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, multiple, precondition, rule

from services.reporting.domain import (
    Calendar,
    Decision,
    Filing,
    FilingState,
    Period,
    PeriodState,
    Permit,
    sanctions,
    settle,
)
from tests.unit.reporting.reporting_builders import CALENDAR, RULES, a_filing, a_permit, wib

BEGIN = wib("2021-07-19T08:00")
"""Before the change from one to two reports a week; the longest runs reach past the change back in September."""
AHEAD = timedelta(days=21)
HOURS = st.integers(min_value=1, max_value=120)


@dataclass
class Books:
    """What the service keeps: permit, ledger, reports. Mirrors its use cases over plain dictionaries."""

    permit: Permit
    periods: dict[tuple[UUID, date], Period] = field(default_factory=dict)
    decisions: dict[UUID, Decision] = field(default_factory=dict)
    filled_until: date = date(2021, 7, 18)

    def fill(self, until: date) -> None:
        for day in CALENDAR.due_days(max(self.filled_until + timedelta(days=1), self.permit.supervised_from), until):
            key = (self.permit.permit_id, day)
            self.periods.setdefault(key, Period(self.permit.permit_id, day, CALENDAR.deadline(day)))
        self.filled_until = max(self.filled_until, until)

    def take(self, filings: list[Filing]) -> None:
        fresh = [filing for filing in filings if filing.filing_id not in self.decisions]
        self._settle(fresh)

    def settle_held(self) -> None:
        held = [d.filing for d in self.decisions.values() if d.verdict.state is FilingState.HELD and self._is_closed(d.filing)]
        self._settle(held)

    def close(self, upto: datetime) -> None:
        self.periods = {key: period.miss(upto) for key, period in self.periods.items()}

    def _is_closed(self, filing: Filing) -> bool:
        period = self.periods.get((self.permit.permit_id, filing.due_on))
        return period is not None and period.state is not PeriodState.EXPECTED

    def _settle(self, filings: list[Filing]) -> None:
        settlement = settle(filings, {self.permit.number: self.permit}, self.periods, RULES)
        self.periods |= {(period.permit_id, period.due_on): period for period in settlement.periods}
        self.decisions |= {decision.filing.filing_id: decision for decision in settlement.decisions}


class LedgerOfOnePermit(RuleBasedStateMachine):
    """Reports arrive, are read later and in any order across topics, deadlines are closed only up to what was read."""

    filed = Bundle("filed")

    def __init__(self) -> None:
        super().__init__()
        self.now = BEGIN
        self.books = Books(a_permit(issued_on=date(2021, 7, 19)))
        self.published: list[Filing] = []
        self.unread: list[Filing] = []

    @rule(hours=HOURS)
    def time_passes(self, hours: int) -> None:
        self.now += timedelta(hours=hours)

    @rule(weeks=st.integers(min_value=1, max_value=6))
    def weeks_pass(self, weeks: int) -> None:
        self.now += timedelta(weeks=weeks)
        self.books.fill(CALENDAR.day_of(self.now + AHEAD))

    @rule()
    def the_ledger_is_filled_ahead(self) -> None:
        self.books.fill(CALENDAR.day_of(self.now + AHEAD))

    @rule(target=filed, days=st.integers(-12, 9), is_good=st.booleans())
    def a_report_arrives(self, days: int, *, is_good: bool) -> object:
        due_on = self._due_day_near(days)
        if due_on is None:
            return multiple()
        filing = a_filing(due_on, self.now, is_declared_true=is_good)
        if CALENDAR.cadence_on(due_on) == CALENDAR.cadences[0]:
            on_site = 40 if is_good else 400
            filing = replace(filing, form="2020-v1", answers=replace(filing.answers, employees_on_site=on_site))
        self.now += timedelta(minutes=1)
        self.published.append(filing)
        self.unread.append(filing)
        return filing

    @precondition(lambda self: self.unread)
    @rule(data=st.data())
    def some_reports_are_read(self, data: st.DataObject) -> None:
        count = data.draw(st.integers(1, len(self.unread)))
        order = data.draw(st.permutations(self.unread))
        batch = order[:count]
        self.unread = [filing for filing in self.unread if filing not in batch]
        self.books.take(list(batch))

    @rule(filing=filed)
    def a_report_is_read_again(self, filing: Filing) -> None:
        if filing not in self.unread:
            before = (dict(self.books.periods), dict(self.books.decisions))
            self.books.take([filing])
            assert (self.books.periods, self.books.decisions) == before

    @rule()
    def deadlines_are_closed_up_to_what_was_read(self) -> None:
        oldest = min((filing.arrived_at for filing in self.unread), default=self.now)
        self.books.close(oldest)

    @rule()
    def held_reports_are_settled(self) -> None:
        self.books.settle_held()

    @invariant()
    def no_report_counts_twice(self) -> None:
        accepted = [d.filing for d in self.books.decisions.values() if d.verdict.state is FilingState.ACCEPTED]
        for key, period in self.books.periods.items():
            assert period.versions == sum(filing.due_on == key[1] for filing in accepted)

    @invariant()
    def each_miss_has_exactly_one_warning(self) -> None:
        ledger = list(self.books.periods.values())
        missed = sorted(period.due_on for period in ledger if period.was_missed)
        assert [step.due_on for step in sanctions(ledger)] == missed

    def teardown(self) -> None:
        """Read what is left, close what is due, and compare with what the publisher would say."""
        self.books.fill(CALENDAR.day_of(self.now))
        self.books.take(self.unread)
        self.books.close(self.now)
        self.books.settle_held()
        good = [filing for filing in self.published if not _has_errors(filing)]
        for due_on in CALENDAR.due_days(date(2021, 7, 19), CALENDAR.day_of(self.now)):
            period = self.books.periods[self.books.permit.permit_id, due_on]
            arrivals = [filing.arrived_at for filing in good if filing.due_on == due_on]
            assert (period.state, period.was_missed) == _outcome(CALENDAR, due_on, arrivals, self.now)

    def _due_day_near(self, days: int) -> date | None:
        around = CALENDAR.day_of(self.now) + timedelta(days=days)
        due = list(CALENDAR.due_days(max(around, date(2021, 7, 19)), around + timedelta(days=7)))
        return due[0] if due and CALENDAR.period_begins_on(due[0]) <= CALENDAR.day_of(self.now) else None


def _has_errors(filing: Filing) -> bool:
    """Return whether the builder made the report with an error, whatever the checks say."""
    answers = filing.answers
    return answers.employees_on_site > answers.employees_total or (filing.form == "2021-v1" and not answers.is_declared_true)


def _outcome(calendar: Calendar, due_on: date, arrivals: list[datetime], now: datetime) -> tuple[PeriodState, bool]:
    """Say independently of the ledger what a period must have become."""
    deadline = calendar.deadline(due_on)
    if any(arrived_at <= deadline for arrived_at in arrivals):
        return PeriodState.FILED, False
    if now <= deadline:
        return PeriodState.EXPECTED, False
    return (PeriodState.LATE, True) if arrivals else (PeriodState.MISSED, True)


LedgerOfOnePermit.TestCase.settings = settings(max_examples=60, stateful_step_count=60, deadline=None)
TestEachPeriodEndsAsItMust = LedgerOfOnePermit.TestCase
