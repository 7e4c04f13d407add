"""When reports are due: dated cadences, due days, deadlines, and the period a report is for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

DAY = timedelta(days=1)
_WHOLE_MINUTE = timedelta(minutes=1) - timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Cadence:
    """On which weekdays (1 is Monday) reports are due from `valid_from` until the next cadence begins."""

    name: str
    valid_from: date
    weekdays: frozenset[int]
    deadline: time


@dataclass(frozen=True, slots=True)
class Calendar:
    """The duty calendar. `cadences` lie in order of `valid_from`; `version` changes with any of them."""

    zone: ZoneInfo
    cadences: tuple[Cadence, ...]
    version: str

    def cadence_on(self, day: date) -> Cadence | None:
        """Return the cadence that is valid on a day, None before there was any duty."""
        # A handful of cadences: looking at all of them is faster than any index over them.
        valid = [cadence for cadence in self.cadences if cadence.valid_from <= day]
        return valid[-1] if valid else None

    def is_due(self, day: date) -> bool:
        """Return whether a report is due on a day."""
        cadence = self.cadence_on(day)
        return cadence is not None and day.isoweekday() in cadence.weekdays

    def due_days(self, first: date, last: date) -> Iterator[date]:
        """Yield the due days from `first` to `last`, both included, in order."""
        day = max(first, self.cadences[0].valid_from)
        while day <= last:
            if self.is_due(day):
                yield day
            day += DAY

    def deadline(self, due_on: date) -> datetime:
        """Return the last instant, in UTC, at which the report of a due day is on time.

        The circulars say "until 23:59": the whole of that minute counts.
        """
        cadence = self.cadence_on(due_on)
        if cadence is None:
            raise ValueError(f"no cadence is valid on {due_on}")
        return (datetime.combine(due_on, cadence.deadline, self.zone) + _WHOLE_MINUTE).astimezone(UTC)

    def period_begins_on(self, due_on: date) -> date:
        """Return the first day of the period that a due day closes: the day after the due day before it."""
        first = self.cadences[0].valid_from
        day = due_on - DAY
        # The first period has no due day before it: it begins with the duty itself.
        while day >= first and not self.is_due(day):
            day -= DAY
        return day + DAY

    def day_of(self, instant: datetime) -> date:
        """Return the calendar's day, in its zone, on which an instant falls."""
        return instant.astimezone(self.zone).date()
