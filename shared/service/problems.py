"""Errors to HTTP clients: RFC 9457 problem details that name the field and the remedy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse

from shared.errors import Overloaded, RintisError
from shared.security import Caller, Callers, Unauthenticated
from shared.storage import TRANSIENT

RETRY_AFTER_SECONDS = 5
"""When a client that was turned away should come back: a batch and a fail-over are done by then."""
MEDIA_TYPE = "application/problem+json"


class Problem(RintisError):
    """A request that cannot be answered as asked. No text of it may hold a personal datum."""

    def __init__(
        self,
        status: int,
        title: str,
        detail: str,
        *,
        field: str | None = None,
        remedy: str | None = None,
        retry_after: int | None = None,
    ) -> None:
        super().__init__(title)
        self.status = status
        self.retry_after = retry_after
        given = {"title": title, "status": status, "detail": detail, "field": field, "remedy": remedy}
        self.body = {name: value for name, value in given.items() if value is not None}

    def response(self) -> JSONResponse:
        """Return the answer."""
        headers = {"Retry-After": str(self.retry_after)} if self.retry_after is not None else None
        return JSONResponse(self.body, self.status, headers, MEDIA_TYPE)


def busy(detail: str = "More is waiting than can be taken now; nothing of this request was kept.") -> Problem:
    """Return the answer to a request that comes at a bad time."""
    return Problem(503, "Busy", detail, remedy="Send the same request again after Retry-After.", retry_after=RETRY_AFTER_SECONDS)


def add_problem_handlers(app: FastAPI) -> None:
    """Answer our errors, malformed requests and servers that are away with problem details."""

    async def ours(_request: Request, error: Exception) -> JSONResponse:
        if isinstance(error, Problem):
            return error.response()
        return busy().response()

    async def malformed(_request: Request, error: Exception) -> JSONResponse:
        body: dict[str, Any] = {"title": "Malformed request", "status": 422, "detail": "The body does not fit the contract."}
        if isinstance(error, RequestValidationError):
            # Only places and codes: the input may be personal.
            body["errors"] = [
                {"field": ".".join(map(str, e["loc"])), "code": e["type"], "remedy": e["msg"]} for e in error.errors()
            ]
        return JSONResponse(body, 422, None, MEDIA_TYPE)

    app.add_exception_handler(RequestValidationError, malformed)
    for kind in (Problem, Overloaded, *TRANSIENT):
        app.add_exception_handler(kind, ours)


def caller_dependency(callers: Callers, *roles: str) -> Callable[[Request], Caller]:
    """Return a FastAPI dependency that names the caller; with roles, one of them is needed."""

    def identify(request: Request) -> Caller:
        try:
            caller = callers.authenticate(request.headers.get("authorization"))
        except Unauthenticated:
            raise Problem(401, "Not authenticated", "A known bearer token is needed.", field="Authorization") from None
        if roles and not caller.roles & set(roles):
            raise Problem(403, "Not allowed", f"This needs the role {' or '.join(roles)}.", field="Authorization")
        return caller

    return identify
