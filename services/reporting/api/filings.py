"""The door for reports: one, or up to a thousand with a verdict for each."""

import hashlib
from asyncio import Semaphore
from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Request, Response
from pydantic import TypeAdapter, ValidationError

from services.reporting.domain import Finding
from services.reporting.handlers.desk import Desk
from services.reporting.handlers.door import KeyReused, Malformed, file_reports
from services.reporting.repository.doors import Call
from shared.contracts.intake import FilingSubmitted
from shared.security import Caller, Callers
from shared.service import Problem, busy, caller_dependency

MOST_ITEMS = 1_000
"""Reports in one call: what one transaction takes in well under a second."""
MOST_BYTES = 4 << 20
"""Largest body: a thousand reports of the longest kind."""
PUBLISHER = "publisher"

_BODY = TypeAdapter[Any](list[Any] | dict[str, Any])
_SCHEMA = FilingSubmitted.model_json_schema()
_OPENAPI = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {"oneOf": [_SCHEMA, {"type": "array", "items": _SCHEMA, "minItems": 1, "maxItems": MOST_ITEMS}]}
            }
        },
    }
}


def filing_router(desk: Desk, callers: Callers, in_flight: int) -> APIRouter:
    """Return the door. More than `in_flight` calls at once are asked to come back."""
    router = APIRouter(tags=["filings"])
    slots = Semaphore(in_flight)
    identify = caller_dependency(callers, PUBLISHER)

    @router.post("/filings", status_code=202, openapi_extra=_OPENAPI)
    async def file(
        request: Request,
        response: Response,
        caller: Annotated[Caller, Depends(identify)],
        idempotency_key: Annotated[str | None, Header(max_length=200)] = None,
    ) -> Any:
        """Take reports. Answered only once they are committed; the same Idempotency-Key gets the same answer."""
        # Turned away before the body is read: a crowd costs nothing.
        if slots.locked():
            raise busy()
        async with slots:
            raw = await read_body(request)
            items, is_single = parse(raw)
            call = Call(caller.person, idempotency_key, hashlib.sha256(raw).digest()) if idempotency_key else None
            try:
                reply = await file_reports(desk, caller, items, call)
            except KeyReused:
                raise _key_reused() from None
        if reply.is_repeat:
            response.headers["Idempotent-Replayed"] = "true"
        return reply.answers[0] if is_single else {"results": reply.answers}

    return router


async def read_body(request: Request) -> bytes:
    """Return the body, reading no more than is taken. Raises Problem 413."""
    body = bytearray()
    # Content-Length may lie or be absent.
    async for chunk in request.stream():
        body += chunk
        if len(body) > MOST_BYTES:
            raise Problem(413, "Too large", f"A call may hold {MOST_BYTES} bytes.", remedy="Send fewer reports in one call.")
    return bytes(body)


def parse(raw: bytes) -> tuple[Sequence[FilingSubmitted | Malformed], bool]:
    """Return the items of a body and whether it was a single one. Raises Problem for a body that holds none.

    In a list each item is judged by itself; a single malformed report is answered as a problem.
    """
    try:
        body = _BODY.validate_json(raw)
    except ValidationError:
        raise Problem(422, "Malformed request", "The body is neither a report nor a list of reports.", field="body") from None
    if isinstance(body, dict):
        item = _read(body)
        if isinstance(item, Malformed):
            raise _malformed(item.findings[0])
        return [item], True
    if not 1 <= len(body) <= MOST_ITEMS:
        raise Problem(422, "Malformed request", f"A call holds 1 to {MOST_ITEMS} reports.", field="body")
    return [_read(item) for item in body], False


def _read(item: Any) -> FilingSubmitted | Malformed:
    try:
        event = FilingSubmitted.model_validate(item)
    except ValidationError as error:
        details = error.errors(include_input=False, include_url=False, include_context=False)
        return Malformed(tuple(Finding(f"schema_{e['type']}", ".".join(map(str, e["loc"])) or "body") for e in details))
    # PostgreSQL's text cannot hold it.
    if "\x00" in f"{event.permit_number}{event.reference}{event.form}{event.transport}":
        return Malformed((Finding("nul_character", "body"),))
    return event


def _malformed(finding: Finding) -> Problem:
    return Problem(422, "Malformed request", f"The report does not fit the contract: {finding.code}.", field=finding.field)


def _key_reused() -> Problem:
    return Problem(
        422,
        "Idempotency-Key reused",
        "This Idempotency-Key was used for a call with another body.",
        field="Idempotency-Key",
        remedy="Use a new key for a new call.",
    )
