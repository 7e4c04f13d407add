"""The doors for publishers: registrations and layoff lists in, and what became of them."""

from asyncio import Semaphore
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response

from services.registration.api.bodies import parse_many, parse_one, read_body, schema_of
from services.registration.handlers.deferring import Deferral, Parse
from services.registration.handlers.desk import Desk
from services.registration.handlers.door import Item, Malformed, Order, Reply, find_submission, take_order
from services.registration.repository.calls import Call, CallInFlight, KeyReused
from shared.contracts.intake import LayoffReported, RegistrationSubmitted
from shared.security import Caller, Callers
from shared.service import Problem, busy, caller_dependency

PUBLISHER = "publisher"
DOOR_HEADER = "X-Door"
"""Says `file` where the items come from a file: counts tell the doors apart."""
LONGEST_KEY = 200
LATER = "respond-async"
"""What a publisher prefers that does not wait for verdicts (RFC 7240, 4.1)."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much the doors take at once."""

    in_flight: int
    outbox_events: int


@dataclass(frozen=True, slots=True)
class _Taker:
    """Takes calls with submissions, a bounded number at once."""

    desk: Desk
    bounds: Bounds
    deferral: Deferral
    slots: Semaphore

    async def take(self, request: Request, caller: Caller, parse: Parse, deferred_kind: str | None = None) -> Reply:
        """Answer a call. One with a kind may be kept for later, where its publisher prefers that. Raises Problem."""
        if self.slots.locked():
            raise busy()
        async with self.slots:
            with self.deferral.taking():
                raw, arrived_at = await read_body(request), self.desk.clock.now()
                door = "file" if request.headers.get(DOOR_HEADER) == "file" else "http"
                call = _call(request, caller, raw)
                order = Order(caller.person, door, parse(raw), call, self.bounds.outbox_events, arrived_at)
                if deferred_kind is not None and _prefers_later(request):
                    return await _answered(self.deferral.keep(order, deferred_kind, raw))
                return await _answered(take_order(self.desk, order))


def submission_router(desk: Desk, callers: Callers, bounds: Bounds, deferral: Deferral) -> APIRouter:
    """Return the doors. More than `in_flight` calls at once are asked to come back."""
    router = APIRouter(tags=["submissions"])
    identify = caller_dependency(callers, PUBLISHER)
    Publisher = Annotated[Caller, Depends(identify)]  # noqa: N806 - a type

    take = _Taker(desk, bounds, deferral, Semaphore(bounds.in_flight)).take

    @router.post("/registrations", status_code=202, openapi_extra=schema_of(RegistrationSubmitted, is_batch=False))
    async def register(request: Request, response: Response, caller: Publisher) -> dict[str, Any]:
        """Take one registration. Answered once it is committed; the same Idempotency-Key gets the same answer."""
        reply = await take(request, caller, lambda raw: [parse_one(raw, RegistrationSubmitted)])
        return _say(response, reply, reply.answers[0])

    @router.post("/registrations/batch", status_code=202, openapi_extra=schema_of(RegistrationSubmitted, is_batch=True))
    async def register_many(request: Request, response: Response, caller: Publisher) -> dict[str, Any]:
        """Take up to a thousand registrations, with a verdict for each, or with `Prefer: respond-async` once they are kept."""
        reply = await take(request, caller, parse_registrations, "registration")
        return _say(response, reply, {"verdicts": reply.answers})

    @router.post("/layoffs/batch", status_code=202, openapi_extra=schema_of(LayoffReported, is_batch=True))
    async def report_layoffs(request: Request, response: Response, caller: Publisher) -> dict[str, Any]:
        """Take up to a thousand lines of a layoff list, with a verdict for each, or with `Prefer: respond-async` once they are kept."""
        reply = await take(request, caller, parse_layoffs, "layoff")
        return _say(response, reply, {"verdicts": reply.answers})

    @router.get("/submissions")
    async def find(
        caller: Publisher,
        source: Annotated[str, Query(min_length=1, max_length=200)],
        id: Annotated[str, Query(min_length=1, max_length=200)],  # noqa: A002 - the contract's word
    ) -> dict[str, Any]:
        """Tell a publisher what became of one of its own events."""
        found = await find_submission(desk, caller.person, source, id)
        if found is None:
            detail = "Not read yet, a dead letter, or not yours."
            raise Problem(404, "Not found", detail, remedy="Ask again in a minute; check source and id.")
        return found

    return router


def parse_registrations(raw: bytes) -> Sequence[Item | Malformed]:
    """Return the registrations of a body."""
    return parse_many(raw, RegistrationSubmitted)


def parse_layoffs(raw: bytes) -> Sequence[Item | Malformed]:
    """Return the lines of a layoff list of a body."""
    return parse_many(raw, LayoffReported)


def _prefers_later(request: Request) -> bool:
    preferences = ",".join(request.headers.getlist("prefer")).split(",")
    return any(preference.split(";")[0].strip().lower() == LATER for preference in preferences)


def _call(request: Request, caller: Caller, raw: bytes) -> Call | None:
    key = request.headers.get("idempotency-key")
    if not key:
        return None
    if len(key) > LONGEST_KEY:
        raise Problem(422, "Idempotency-Key too long", f"It may have {LONGEST_KEY} characters.", field="Idempotency-Key")
    return Call.of(caller.person, key, request.url.path, raw)


async def _answered(taken: Awaitable[Reply]) -> Reply:
    try:
        return await taken
    except CallInFlight:
        detail = "A call with this Idempotency-Key is being worked on."
        raise Problem(
            409, "In progress", detail, field="Idempotency-Key", remedy="Send the same call again shortly.", retry_after=1
        ) from None
    except KeyReused:
        detail = "This Idempotency-Key was used for a call with another body."
        raise Problem(
            422, "Idempotency-Key reused", detail, field="Idempotency-Key", remedy="Use a new key for a new call."
        ) from None


def _say(response: Response, reply: Reply, body: dict[str, Any]) -> dict[str, Any]:
    if reply.is_repeat:
        response.headers["Idempotent-Replayed"] = "true"
    if reply.is_deferred:
        response.headers["Preference-Applied"] = LATER
    return body
