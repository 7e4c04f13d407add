"""The doors for publishers: registrations and layoff lists in, and what became of them."""

from asyncio import Semaphore
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response

from services.registration.api.bodies import parse_many, parse_one, read_body, schema_of
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


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much the doors take at once."""

    in_flight: int
    outbox_events: int


def submission_router(desk: Desk, callers: Callers, bounds: Bounds) -> APIRouter:
    """Return the doors. More than `in_flight` calls at once are asked to come back."""
    router = APIRouter(tags=["submissions"])
    slots = Semaphore(bounds.in_flight)
    identify = caller_dependency(callers, PUBLISHER)
    Publisher = Annotated[Caller, Depends(identify)]  # noqa: N806 - a type

    async def take(request: Request, caller: Caller, parse: Callable[[bytes], Sequence[Item | Malformed]]) -> Reply:
        if slots.locked():
            raise busy()
        async with slots:
            raw = await read_body(request)
            door = "file" if request.headers.get(DOOR_HEADER) == "file" else "http"
            return await _answered(
                desk, Order(caller.person, door, parse(raw), _call(request, caller, raw), bounds.outbox_events)
            )

    @router.post("/registrations", status_code=202, openapi_extra=schema_of(RegistrationSubmitted, is_batch=False))
    async def register(request: Request, response: Response, caller: Publisher) -> dict[str, Any]:
        """Take one registration. Answered once it is committed; the same Idempotency-Key gets the same answer."""
        reply = await take(request, caller, lambda raw: [parse_one(raw, RegistrationSubmitted)])
        return _say(response, reply, reply.answers[0])

    @router.post("/registrations/batch", status_code=202, openapi_extra=schema_of(RegistrationSubmitted, is_batch=True))
    async def register_many(request: Request, response: Response, caller: Publisher) -> dict[str, Any]:
        """Take up to a thousand registrations, with a verdict for each."""
        reply = await take(request, caller, lambda raw: parse_many(raw, RegistrationSubmitted))
        return _say(response, reply, {"verdicts": reply.answers})

    @router.post("/layoffs/batch", status_code=202, openapi_extra=schema_of(LayoffReported, is_batch=True))
    async def report_layoffs(request: Request, response: Response, caller: Publisher) -> dict[str, Any]:
        """Take up to a thousand lines of a layoff list, with a verdict for each."""
        reply = await take(request, caller, lambda raw: parse_many(raw, LayoffReported))
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


def _call(request: Request, caller: Caller, raw: bytes) -> Call | None:
    key = request.headers.get("idempotency-key")
    if not key:
        return None
    if len(key) > LONGEST_KEY:
        raise Problem(422, "Idempotency-Key too long", f"It may have {LONGEST_KEY} characters.", field="Idempotency-Key")
    return Call.of(caller.person, key, request.url.path, raw)


async def _answered(desk: Desk, order: Order) -> Reply:
    try:
        return await take_order(desk, order)
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
    return body
