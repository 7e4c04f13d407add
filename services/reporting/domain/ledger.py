"""The ledger of expected reports: what is owed, what became of it, and the sanctions that follow from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID


class PeriodState(StrEnum):
    """What became of one period of one permit."""

    EXPECTED = "expected"
    """The report is owed; whether it comes is open."""
    FILED = "filed"
    """A report that counts came in time."""
    LATE = "late"
    """The deadline was missed, and a report that counts came afterwards. The miss stands."""
    MISSED = "missed"
    """The deadline passed without a report that counts."""
    CANCELLED = "cancelled"
    """Nothing is owed any more: the permit was revoked or the calendar changed."""


class PeriodStillOpen(Exception):
    """A report came after the deadline of a period that nobody has closed yet; it is counted once that is done."""


@dataclass(frozen=True, slots=True)
class Period:
    """One expected report: a permit's duty for one due day.

    `filing_id` is the accepted report that counts, the one that arrived last; `versions` how many were accepted.
    `missed_at` once set is never taken back.
    """

    permit_id: UUID
    due_on: date
    deadline: datetime
    state: PeriodState = PeriodState.EXPECTED
    filing_id: UUID | None = None
    filed_at: datetime | None = None
    versions: int = 0
    missed_at: datetime | None = None

    @property
    def was_missed(self) -> bool:
        """Return whether the miss is on record, whatever came later."""
        return self.missed_at is not None

    def is_in_time(self, arrived_at: datetime) -> bool:
        """Return whether a report that arrived then is on time."""
        return arrived_at <= self.deadline

    def accept(self, filing_id: UUID, arrived_at: datetime) -> Period:
        """Count an accepted report. A second one is a correction: the newest counts, in-time stays in-time.

        Raises PeriodStillOpen for a late report of a period that is not closed: an earlier one may still be unread.
        """
        state = self._state_with(arrived_at)
        # Two topics may be read in any order: the arrival decides which report is the newer one, the id breaks ties.
        is_newest = self.filed_at is None or (arrived_at, filing_id.int) > (
            self.filed_at,
            self.filing_id.int if self.filing_id else 0,
        )
        return replace(
            self,
            state=state,
            filing_id=filing_id if is_newest else self.filing_id,
            filed_at=arrived_at if is_newest else self.filed_at,
            versions=self.versions + 1,
        )

    def _state_with(self, arrived_at: datetime) -> PeriodState:
        # A correction after the deadline does not make a report late that came in time.
        if self.state is PeriodState.FILED or self.is_in_time(arrived_at):
            return PeriodState.FILED
        # Another topic may still hold a report that came in time: only closing knows that there is none.
        if self.state is PeriodState.EXPECTED:
            raise PeriodStillOpen
        return PeriodState.LATE

    def miss(self, now: datetime) -> Period:
        """Close a period whose deadline has passed without a report; any other period stays as it is."""
        if self.state is not PeriodState.EXPECTED or self.is_in_time(now):
            return self
        return replace(self, state=PeriodState.MISSED, missed_at=now)

    def cancel(self) -> Period:
        """Owe nothing any more; what was filed or missed stays as it is."""
        return replace(self, state=PeriodState.CANCELLED) if self.state is PeriodState.EXPECTED else self


@dataclass(frozen=True, slots=True)
class WrittenWarning:
    """First step of the ladder (SE Menperin 3/2021): a warning for the miss of one period.

    `number` counts the warnings of the current row, this one included; `missed` are the due days it cites, oldest first.
    """

    due_on: date
    number: int
    missed: tuple[date, ...]


def sanctions(ledger: Sequence[Period]) -> list[WrittenWarning]:
    """Return every sanction that follows from one permit's ledger, oldest first.

    One written warning per missed period. A report in time ends the row; a late one does not, for the miss stands.
    Periods that are open or cancelled neither lengthen a row nor end it.
    """
    steps: list[WrittenWarning] = []
    row: tuple[date, ...] = ()
    for period in sorted(ledger, key=lambda period: period.due_on):
        if period.was_missed:
            # A late report leaves its miss in the row: the ladder counts reports that were not there when due.
            row = (*row, period.due_on)
            steps.append(WrittenWarning(period.due_on, len(row), row))
        elif period.state is PeriodState.FILED:
            row = ()
    return steps
