from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, time
from pathlib import Path

import pytest

from services.reporting.domain import Cadence
from services.reporting.policies import CalendarUnordered, load_calendar
from tests.unit.reporting.reporting_builders import CALENDAR, wib


def due_days(first: str, last: str) -> list[str]:
    return [f"{day:%a %d %b}" for day in CALENDAR.due_days(date.fromisoformat(first), date.fromisoformat(last))]


def test_reports_of_2020_are_due_each_friday() -> None:
    assert due_days("2020-04-01", "2020-05-16") == ["Fri 01 May", "Fri 08 May", "Fri 15 May"]


def test_in_july_2021_the_duty_goes_from_fridays_to_tuesdays_and_fridays() -> None:
    assert due_days("2021-07-14", "2021-08-04") == ["Fri 16 Jul", "Fri 23 Jul", "Tue 27 Jul", "Fri 30 Jul", "Tue 03 Aug"]


def test_from_10_september_2021_reports_are_due_on_fridays_only() -> None:
    assert due_days("2021-09-01", "2021-09-25") == ["Fri 03 Sep", "Tue 07 Sep", "Fri 10 Sep", "Fri 17 Sep", "Fri 24 Sep"]


def test_the_calendar_knows_all_four_cadences_with_their_sources() -> None:
    assert [cadence.name for cadence in CALENDAR.cadences] == [
        "weekly-2020",
        "wednesday-saturday-2021",
        "tuesday-friday-2021",
        "friday-2021",
    ]
    policy = json.loads((Path(__file__).parents[3] / "policies/iomki/calendar.json").read_text("utf-8"))
    assert all(entry["sources"] and entry["our_assumptions"] and entry["certain"] for entry in policy["cadences"])


def test_wednesdays_and_saturdays_are_due_days_while_that_cadence_is_valid() -> None:
    cadences = (Cadence("wednesday-saturday", date(2021, 7, 19), frozenset({3, 6}), time(23, 59)),)
    calendar = replace(CALENDAR, cadences=cadences)
    assert list(calendar.due_days(date(2021, 7, 1), date(2021, 7, 28))) == [
        date(2021, 7, 21),
        date(2021, 7, 24),
        date(2021, 7, 28),
    ]


def test_nothing_is_due_before_the_first_circular() -> None:
    assert due_days("2019-01-01", "2020-04-27") == []
    assert not CALENDAR.is_due(date.min)


def test_a_deadline_is_the_end_of_its_last_minute_in_jakarta() -> None:
    deadline = CALENDAR.deadline(date(2021, 8, 3))
    assert wib("2021-08-03T23:59:59.999") < deadline < wib("2021-08-04T00:00:00")


@pytest.mark.parametrize(
    ("due_on", "begins_on"),
    [("2020-05-08", "2020-05-02"), ("2021-07-27", "2021-07-24"), ("2021-07-30", "2021-07-28"), ("2020-05-01", "2020-04-28")],
)
def test_a_period_begins_on_the_day_after_the_due_day_before_it(due_on: str, begins_on: str) -> None:
    assert CALENDAR.period_begins_on(date.fromisoformat(due_on)) == date.fromisoformat(begins_on)


def test_every_day_of_the_duty_belongs_to_exactly_one_period() -> None:
    days = list(CALENDAR.due_days(date(2020, 4, 28), date(2021, 12, 31)))
    begins = [CALENDAR.period_begins_on(day) for day in days]
    assert begins[0] == date(2020, 4, 28)
    assert all(begin.toordinal() == before.toordinal() + 1 for before, begin in zip(days, begins[1:], strict=False))


def test_a_calendar_whose_cadences_are_not_in_order_is_refused(tmp_path: Path) -> None:
    policy = json.loads((Path(__file__).parents[3] / "policies/iomki/calendar.json").read_text("utf-8"))
    policy["cadences"].reverse()
    (tmp_path / "calendar.json").write_text(json.dumps(policy), "utf-8")
    with pytest.raises(CalendarUnordered):
        load_calendar(tmp_path / "calendar.json")
