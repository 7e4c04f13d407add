"""HTTP door of operators: dead letters, held keys and stopped consumers of this service, which owns them."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from shared.errors import Unprocessable
from shared.messaging import Consumer, Limits
from shared.messaging.actions import Actions, Filter, NotPossible
from shared.messaging.actions import Request as ActionRequest
from shared.messaging.records import StoredRecord
from shared.messaging.stops import Resumption, find_stops, resume
from shared.security import Caller, Callers
from shared.service.problems import Problem, caller_dependency
from shared.storage import Database
from shared.telemetry import get_logger

log = get_logger(__name__)

OPERATOR = "operator"
MOST_ROWS = 10_000
"""Longest list in one answer: a redrive of the largest size that a test has shown, entry by entry."""
MOST_IDS = 1_000
"""Entries that one request may name by id; more are meant by a filter."""


class Wanted(BaseModel):
    """Which entries are meant: all that every given field fits."""

    model_config = ConfigDict(extra="forbid")

    consumer: str | None = None
    topic: str | None = None
    reason: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    ids: list[UUID] | None = Field(default=None, max_length=MOST_IDS)
    kind: Literal["dead", "held"] | None = None

    def filter(self) -> Filter:
        """Return the filter."""
        return Filter(**self.model_dump())


Why = Annotated[str, Field(min_length=5, max_length=500, description="Why; kept for good, so no person's data.")]


class Asked(BaseModel):
    """An action that an operator asks for; with `dry_run` it is only counted."""

    model_config = ConfigDict(extra="forbid")

    kind: Literal["redrive", "waive"]
    filter: Wanted
    why: Why
    per_second: int | None = Field(default=None, ge=1)
    dry_run: bool = False


class Reading(BaseModel):
    """A request to read one letter's record."""

    model_config = ConfigDict(extra="forbid")

    letter: UUID
    why: Why


class Resumed(BaseModel):
    """A request to let a stopped consumer read on."""

    model_config = ConfigDict(extra="forbid")

    consumer: str
    topic: str | None = None
    why: Why
    force: bool = Field(default=False, description="Set aside what fails for a while, however much it is.")


@dataclass(frozen=True)
class OperationsDesk:
    """What the door works with. `consumers` grows when the service starts."""

    database: Database
    consumers: list[Consumer]
    limits: Limits

    @property
    def actions(self) -> Actions:
        """Return the actions of this service."""
        return Actions(self.database, self.limits)

    def consumer(self, name: str) -> Consumer:
        """Return one of this service's consumers."""
        for consumer in self.consumers:
            if consumer.group == name:
                return consumer
        raise Problem(404, "Unknown consumer", f"This service has no consumer {name}.", field="consumer")


def make_operations_router(desk: OperationsDesk, callers: Callers) -> APIRouter:
    """Return the routes under `/operations`; all need the role operator."""
    operator = caller_dependency(callers, OPERATOR)
    router = APIRouter(prefix="/operations")
    _add_letters(router, desk, operator)
    _add_actions(router, desk, operator)
    _add_decisions(router, desk, operator)
    _add_stops(router, desk, operator)
    return router


def _add_letters(router: APIRouter, desk: OperationsDesk, operator: Callable[[Request], Caller]) -> None:
    @router.get("/dead-letters", dependencies=[Depends(operator)])
    async def list_entries(
        wanted: Annotated[Wanted, Query()], limit: Annotated[int, Query(ge=1, le=MOST_ROWS)] = 50
    ) -> dict[str, Any]:
        """List open dead letters and held keys, newest first; no content is shown."""
        return {"entries": await desk.actions.find(wanted.filter(), limit)}

    @router.get("/dead-letters/{entry}/history", dependencies=[Depends(operator)])
    async def read_history(entry: UUID) -> dict[str, Any]:
        """Say what was done about one entry, by whom and why."""
        return {"history": await desk.actions.history(entry)}

    @router.post("/dead-letters/readings", status_code=202)
    async def ask_to_read(body: Reading, caller: Annotated[Caller, Depends(operator)]) -> dict[str, Any]:
        """Ask to read a record; one of intake shows a person's data and waits for a second person."""
        action = await _possible(desk.actions.ask_to_read(body.letter, why=body.why, by=caller.person))
        return (await desk.actions.find_actions(action))[0]

    @router.post("/dead-letters/readings/{action}")
    async def read(action: UUID, caller: Annotated[Caller, Depends(operator)]) -> dict[str, Any]:
        """Show the record, once. The reading is on record before the answer leaves."""
        async with desk.database.transaction() as tx:
            letter = await _possible(desk.actions.take_reading(tx, action, caller.person))
        log.info("A record was read.", action="record_read", letter=str(letter["id"]), by=caller.person)
        try:
            return _shown(await desk.consumer(letter["consumer"]).pipeline.letters.read(letter))
        except Unprocessable as error:
            raise Problem(410, "Not readable", "Its key has expired.", field=error.field) from None


def _add_actions(router: APIRouter, desk: OperationsDesk, operator: Callable[[Request], Caller]) -> None:
    @router.post("/dead-letters/actions", status_code=202)
    async def ask(body: Asked, caller: Annotated[Caller, Depends(operator)]) -> dict[str, Any]:
        """Ask for a redrive or a waiver, or count what it would be about."""
        wanted, rate = body.filter.filter(), body.per_second or desk.limits.redrive_per_second
        if rate > desk.limits.redrive_fastest:
            remedy = f"At most {desk.limits.redrive_fastest}."
            raise Problem(422, "Too fast", "The service has other work too.", field="per_second", remedy=remedy)
        counts = await desk.actions.count(wanted)
        free = sum(row["entries"] - row["in_other_actions"] for row in counts)
        plan = {"counts": counts, "entries": free, "needs_approval": desk.actions.needs_approval(free)}
        if body.dry_run:
            return {"dry_run": True, **plan}
        action = await _possible(desk.actions.ask(ActionRequest(body.kind, wanted, body.why, caller.person, rate)))
        log.info("An operator asked for an action.", action="action_asked", id=str(action), kind=body.kind, by=caller.person)
        return {"counts": counts, **(await desk.actions.find_actions(action))[0]}

    @router.get("/dead-letters/actions", dependencies=[Depends(operator)])
    async def list_actions(limit: Annotated[int, Query(ge=1, le=MOST_ROWS)] = 50) -> dict[str, Any]:
        """List actions with who, why and what became of them, newest first."""
        return {"actions": await desk.actions.find_actions(limit=limit)}

    @router.get("/dead-letters/actions/{action}", dependencies=[Depends(operator)])
    async def read_action(
        action: UUID, outcome: str | None = None, limit: Annotated[int, Query(ge=0, le=MOST_ROWS)] = 0
    ) -> dict[str, Any]:
        """Show one action, and so many of its entries with their outcomes."""
        found = await desk.actions.find_actions(action)
        if not found:
            raise Problem(404, "Unknown action", f"There is no action {action} here.", field="action")
        return {**found[0], "list": await desk.actions.outcomes(action, outcome, limit) if limit else []}


def _add_decisions(router: APIRouter, desk: OperationsDesk, operator: Callable[[Request], Caller]) -> None:
    @router.post("/dead-letters/actions/{action}/approve")
    async def approve(action: UUID, caller: Annotated[Caller, Depends(operator)]) -> dict[str, Any]:
        """Approve what another operator asked for; it begins at once."""
        await _possible(desk.actions.approve(action, caller.person))
        log.info("An operator approved an action.", action="action_approved", id=str(action), by=caller.person)
        return (await desk.actions.find_actions(action))[0]

    @router.post("/dead-letters/actions/{action}/cancel")
    async def cancel(action: UUID, caller: Annotated[Caller, Depends(operator)]) -> dict[str, Any]:
        """End an action; what is under way goes on to its outcome, the rest stays on the list."""
        await _possible(desk.actions.cancel(action, caller.person))
        return (await desk.actions.find_actions(action))[0]


def _add_stops(router: APIRouter, desk: OperationsDesk, operator: Callable[[Request], Caller]) -> None:
    @router.get("/stops", dependencies=[Depends(operator)])
    async def list_stops() -> dict[str, Any]:
        """List what consumers of this service do not read at the moment, and why."""
        return {"stops": await find_stops(desk.database)}

    @router.post("/stops/resume")
    async def resume_consumer(body: Resumed, caller: Annotated[Caller, Depends(operator)]) -> dict[str, Any]:
        """Let a consumer read on."""
        resumption = Resumption(caller.person, body.why, body.force)
        ended = await resume(desk.database, body.consumer, body.topic, resumption)
        log.info("An operator lets a consumer read on.", action="stop_ended", consumer=body.consumer, by=caller.person)
        return {"resumed": ended}


async def _possible(work: Any) -> Any:
    try:
        return await work
    except NotPossible as error:
        raise Problem(409, "Not possible", str(error)) from None


def _shown(record: StoredRecord) -> dict[str, Any]:
    """Return a record as people can read it: text where it is text, else its representation."""
    value = record.value
    try:
        body = None if value is None else json.loads(value)
    except ValueError:
        body = repr(value)
    headers = [[name, _as_text(data)] for name, data in record.headers]
    return {"key": _as_text(record.key), "headers": headers, "value": body}


def _as_text(data: bytes | None) -> str | None:
    if data is None:
        return None
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return repr(data)
