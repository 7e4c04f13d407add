"""What can be asked: a permit's calendar, what became of a submission, the ministry's counts."""

from datetime import date, datetime, timedelta
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Query

from services.reporting.domain import FilingState, Permit
from services.reporting.domain.sentences import describe_filing, describe_period
from services.reporting.handlers.desk import Desk
from services.reporting.handlers.door import in_words
from services.reporting.repository.permits import find_permits
from services.reporting.repository.views import (
    CalendarEntry,
    SubmissionVerdict,
    count_by_province,
    find_calendar,
    find_verdict,
)
from shared.contracts.envelope import Envelope
from shared.messaging.records import seen_id
from shared.security import Caller, Callers
from shared.security.callers import NATIONAL
from shared.service import Problem, caller_dependency

PUBLISHER = "publisher"
STAFF = "staff"
OPERATOR = "operator"
LONGEST_VIEW = timedelta(days=400)
"""Longest calendar in one answer: a year and a month."""
USUAL_VIEW = timedelta(days=30)
"""How far a calendar reaches back and ahead when nothing else is asked."""


def view_router(desk: Desk, callers: Callers) -> APIRouter:
    """Return the routes that change nothing."""
    router = APIRouter(tags=["supervision"])
    anybody = Depends(caller_dependency(callers, PUBLISHER, STAFF, OPERATOR))
    officer = Depends(caller_dependency(callers, STAFF, OPERATOR))

    @router.get("/permits/{number:path}/calendar")
    async def read_calendar(
        number: str,
        caller: Annotated[Caller, anybody],
        first: Annotated[date | None, Query(alias="from")] = None,
        last: Annotated[date | None, Query(alias="to")] = None,
    ) -> Any:
        """Return what is due for a permit and what became of it."""
        today = desk.rules.calendar.day_of(desk.clock.now())
        begin, end = first or today - USUAL_VIEW, last or today + USUAL_VIEW
        if end - begin > LONGEST_VIEW:
            raise Problem(422, "Too long", f"A calendar may span {LONGEST_VIEW.days} days.", field="to")
        async with desk.database.connection() as connection:
            permit = (await find_permits(connection, [number])).get(number)
            # Unknown and not yours look alike: nobody learns which permits exist elsewhere.
            if permit is None or not caller.covers(permit.regency):
                raise Problem(404, "Unknown permit", "No such permit is known in your region.", field="number")
            entries = await find_calendar(connection, permit.permit_id, begin, end)
        return describe_calendar(permit, entries, desk.rules.calendar.zone)

    @router.get("/submissions")
    async def read_submission(
        caller: Annotated[Caller, anybody],
        source: Annotated[str, Query(min_length=1, max_length=200)],
        id_: Annotated[str, Query(alias="id", min_length=1, max_length=200)],
        publisher: Annotated[str | None, Query(max_length=40)] = None,
    ) -> Any:
        """Return what became of a report or of news about a permit, by its CloudEvents source and id.

        Staff and operators name the publisher whose submission they ask for.
        """
        submission_id = seen_id(Envelope(id_, source, "", desk.clock.now()), publisher or caller.person)
        async with desk.database.connection() as connection:
            verdict = await find_verdict(connection, submission_id)
        if verdict is None or not (verdict.publisher == caller.person or caller.roles & {STAFF, OPERATOR}):
            raise Problem(
                404,
                "Unknown submission",
                "Nothing of yours with this source and id was read yet.",
                remedy="Ask again in a moment; a record that breaks the contract is never read, see the list of dead letters.",
            )
        return describe_submission(verdict, desk.rules.calendar.zone)

    @router.get("/supervision/summary")
    async def read_summary(caller: Annotated[Caller, officer]) -> Any:
        """Return permits, companies, reports and warnings by province, of the caller's regions."""
        regions = [] if NATIONAL in caller.regions else sorted(caller.regions)
        async with desk.database.connection() as connection:
            provinces = await count_by_province(connection, regions)
        return {"definitions": DEFINITIONS, "provinces": provinces}

    return router


DEFINITIONS = {
    "permits_ever": "Permits ever known here, revoked ones included.",
    "permits_active": "Permits that stand now.",
    "companies": "Different business numbers (NIB) among the permits ever known.",
    "filed": "Periods with a report in time.",
    "late": "Periods with a report after the deadline.",
    "missed": "Periods whose deadline passed without a report, those with a late one included.",
    "expected": "Periods that are still open.",
    "warnings": "Written warnings issued.",
}
"""What each count means: published figures of the past mixed permits ever issued with those that stand."""


def describe_calendar(permit: Permit, entries: list[CalendarEntry], zone: ZoneInfo) -> dict[str, Any]:
    """Return a permit's calendar as it is answered."""
    return {
        "permit_number": permit.number,
        "state": permit.state.value,
        "supervised_from": permit.supervised_from,
        "revoked_on": permit.revoked_on,
        "zone": zone.key,
        "periods": [_describe_entry(entry, zone) for entry in entries],
    }


def describe_submission(verdict: SubmissionVerdict, zone: ZoneInfo) -> dict[str, Any]:
    """Return the verdict on a submission as it is answered."""
    is_filing = verdict.kind == "filing"
    return {
        "kind": verdict.kind,
        "permit_number": verdict.permit_number,
        "due_on": verdict.due_on,
        "outcome": verdict.outcome,
        "is_late": verdict.is_late,
        "detail": describe_filing(FilingState(verdict.outcome)) if is_filing else None,
        "errors": in_words(verdict.errors),
        "warnings": in_words(verdict.warnings),
        "arrived_at": _local(verdict.arrived_at, zone),
        "decided_at": _local(verdict.decided_at, zone),
    }


def _describe_entry(entry: CalendarEntry, zone: ZoneInfo) -> dict[str, Any]:
    period = entry.period
    return {
        "due_on": period.due_on,
        "deadline": _local(period.deadline, zone),
        "state": period.state.value,
        "was_missed": period.was_missed,
        "filed_at": _local(period.filed_at, zone),
        "versions": period.versions,
        "detail": describe_period(period, zone),
        "last_filing": {"state": entry.last_state, "errors": in_words(entry.last_errors)} if entry.last_state else None,
    }


def _local(instant: datetime | None, zone: ZoneInfo) -> str | None:
    return None if instant is None else instant.astimezone(zone).isoformat()
