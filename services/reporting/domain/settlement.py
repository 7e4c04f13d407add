"""Settling a set of reports against permits and ledger, in the order of their arrival."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from services.reporting.domain.filings import Filing, FilingState, Rules, Verdict, judge, open_period
from services.reporting.domain.ledger import Period, PeriodState
from services.reporting.domain.permits import Permit

PeriodKey = tuple[UUID, date]


@dataclass(frozen=True, slots=True)
class Decision:
    """What was decided about one report. `permit` is None while it is not known."""

    filing: Filing
    permit: Permit | None
    verdict: Verdict
    is_late: bool = False


@dataclass(frozen=True, slots=True)
class Settlement:
    """The decisions on a set of reports, and the ledger's rows that they changed."""

    decisions: list[Decision]
    periods: list[Period]


def settle(
    filings: Sequence[Filing], permits: Mapping[str, Permit], periods: Mapping[PeriodKey, Period], rules: Rules
) -> Settlement:
    """Decide a set of reports; several for one period see each other's effect."""
    current = dict(periods)
    changed: dict[PeriodKey, Period] = {}
    decisions: list[Decision] = []
    # In order of arrival, so that an error that was mended later is returned first and accepted then.
    for filing in sorted(filings, key=lambda filing: (filing.arrived_at, filing.filing_id.int)):
        permit = permits.get(filing.permit_number)
        period = _period_of(filing, permit, current, rules)
        verdict = judge(filing, permit, period, rules)
        is_late = False
        if permit and period and verdict.state is FilingState.ACCEPTED:
            period = period.accept(filing.filing_id, filing.arrived_at)
            key = (permit.permit_id, filing.due_on)
            current[key] = changed[key] = period
            is_late = period.state is PeriodState.LATE
        decisions.append(Decision(filing, permit, verdict, is_late))
    return Settlement(decisions, list(changed.values()))


def _period_of(filing: Filing, permit: Permit | None, known: Mapping[PeriodKey, Period], rules: Rules) -> Period | None:
    # A day that is no due day has no deadline to ask for.
    if permit is None or not rules.calendar.is_due(filing.due_on):
        return None
    return known.get((permit.permit_id, filing.due_on)) or open_period(permit, filing.due_on, rules.calendar)
