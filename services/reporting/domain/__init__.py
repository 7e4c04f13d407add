"""The rules of IOMKI supervision, pure: calendar of duties, checks of reports, ledger of expected reports, sanctions."""

from services.reporting.domain.calendar import Cadence, Calendar
from services.reporting.domain.filings import (
    Answers,
    Filing,
    FilingState,
    Form,
    Rules,
    Verdict,
    judge,
    open_period,
)
from services.reporting.domain.ledger import Period, PeriodState, PeriodStillOpen, WrittenWarning, sanctions
from services.reporting.domain.permits import (
    Finding,
    Permit,
    PermitState,
    check_change,
    check_issue,
    check_revocation,
    issue,
    supervised_from,
)
from services.reporting.domain.settlement import Decision, Settlement, settle

__all__ = [
    "Answers",
    "Cadence",
    "Calendar",
    "Decision",
    "Filing",
    "FilingState",
    "Finding",
    "Form",
    "Period",
    "PeriodState",
    "PeriodStillOpen",
    "Permit",
    "PermitState",
    "Rules",
    "Settlement",
    "Verdict",
    "WrittenWarning",
    "check_change",
    "check_issue",
    "check_revocation",
    "issue",
    "judge",
    "open_period",
    "sanctions",
    "settle",
    "supervised_from",
]
