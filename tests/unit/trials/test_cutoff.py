from collections import Counter
from datetime import timedelta

import pytest

from rintis.demo.companies import deadline
from rintis.runtime.errors import CannotStart
from rintis.trials.cutoff import DUE_ON, LATE_SECONDS, Options, Planned, Taken, foresee, plan

OPTIONS = Options(permits=1_000, filings=1_250, minutes=10)


def test_nine_in_ten_permits_report_in_time_and_two_in_ten_of_the_others_shortly_after() -> None:
    reports = plan(OPTIONS)
    before = {report.permit for report in reports if report.at < 0}
    after = {report.permit for report in reports if report.at >= 0}
    assert (len(before), len(after), len(before & after)) == (900, 20, 0)
    assert sum(report.at < 0 for report in reports) == OPTIONS.filings
    assert reports == sorted(reports, key=lambda report: report.at)
    assert -600 <= reports[0].at < -500
    assert reports[-1].at <= LATE_SECONDS


def test_reports_come_faster_towards_the_cutoff() -> None:
    minutes = Counter(int(-report.at // 60) for report in plan(OPTIONS) if report.at < 0)
    assert minutes[0] > 2 * minutes[5] > 2 * minutes[9]


def test_the_same_seed_plans_the_same_reports() -> None:
    assert plan(OPTIONS) == plan(OPTIONS) != plan(Options(1_000, 1_250, 10, seed=2))


def test_fewer_reports_than_permits_that_report_are_refused() -> None:
    with pytest.raises(CannotStart, match="too few"):
        plan(Options(permits=1_000, filings=500))


def test_what_must_become_of_a_permit_follows_from_the_brokers_clock_alone() -> None:
    end, moment = deadline(DUE_ON), timedelta(milliseconds=1)
    taken = [Taken("a", end - moment), Taken("a", end), Taken("b", end), Taken("c", end - moment)]
    assert foresee(taken, "abcd") == {"a": ("filed", 2), "b": ("late", 1), "c": ("filed", 1), "d": ("missed", 0)}


def test_a_plan_names_each_report_once() -> None:
    assert [report.number for report in plan(OPTIONS)] == list(range(1_270))
    assert isinstance(plan(OPTIONS)[0], Planned)
