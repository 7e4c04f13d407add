"""The comparisons, each pure: evidence in, troubles out."""

from rintis.chaos.checks.chain import check_decisions, check_placements, check_registrations, check_statuses
from rintis.chaos.checks.companies import check_filings, check_permits
from rintis.chaos.checks.doors import check_doors
from rintis.chaos.checks.messages import check_intents, check_providers, check_tasks
from rintis.chaos.checks.order import check_sequences
from rintis.chaos.checks.seats import check_seats
from rintis.chaos.checks.waiting import check_waiting

ALL = (
    check_doors,
    check_sequences,
    check_registrations,
    check_decisions,
    check_placements,
    check_statuses,
    check_permits,
    check_filings,
    check_intents,
    check_tasks,
    check_providers,
    check_seats,
    check_waiting,
)

__all__ = ["ALL"]
