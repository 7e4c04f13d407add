"""The HTTP application of a service: its own routes, and those that every service has."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from fastapi import APIRouter, FastAPI, Response
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.types import ASGIApp, Receive, Scope, Send

from shared.messaging import Consumer, Reader
from shared.service.health import consumer_troubles
from shared.service.problems import add_problem_handlers

Overview = Callable[[], Awaitable[dict[str, Any]]]


@dataclass
class State:
    """What a running process holds, and what it waits for; None means that it is ready."""

    waits_for: str | None = "start"
    consumers: list[Consumer] = field(default_factory=list)
    readers: list[Reader] = field(default_factory=list)
    tasks: list[asyncio.Task[None]] = field(default_factory=list)

    def stops(self) -> list[str]:
        """Return what consumers of this process do not read, and why."""
        return [stop.text(consumer.group) for consumer in self.consumers for stop in consumer.stops.values()]

    def troubles(self) -> list[str]:
        """Return what is wrong with a process that should be at work."""
        if self.waits_for is not None:
            return []
        return consumer_troubles(self.readers) + [f"{task.get_name()}: ended" for task in self.tasks if task.done()]


class AfterWrites:
    """ASGI middleware that says when a request that may have written something is over."""

    def __init__(self, app: ASGIApp, then: Callable[[], None]) -> None:
        self._app = app
        self._then = then

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle the request, then say so."""
        await self._app(scope, receive, send)
        if scope["type"] == "http" and scope["method"] not in {"GET", "HEAD", "OPTIONS"}:
            self._then()


def make_app(
    name: str,
    routers: Sequence[APIRouter],
    state: State,
    overview: Overview,
    *,
    after_writes: Callable[[], None] = lambda: None,
) -> FastAPI:
    """Return the application with health, metrics and the overview beside the service's own routes.

    `after_writes` is called after each request that may have written something.
    """
    app = FastAPI(title=f"Rintis {name}", docs_url="/docs", redoc_url=None)
    app.add_middleware(AfterWrites, then=after_writes)
    add_problem_handlers(app)
    for router in routers:
        app.include_router(router)

    @app.get("/health/live", include_in_schema=False)
    async def live() -> Response:
        troubles = state.troubles()
        return JSONResponse({"troubles": troubles, "stopped": state.stops()}, 503 if troubles else 200)

    @app.get("/health/ready", include_in_schema=False)
    async def ready() -> Response:
        # A stop is no reason to send nobody here: the doors and the other consumers of this process work.
        return JSONResponse({"waits_for": state.waits_for, "stopped": state.stops()}, 503 if state.waits_for else 200)

    @app.get("/health/consumers", include_in_schema=False)
    async def consumers() -> Response:
        stopped = state.stops()
        return JSONResponse({"stopped": stopped}, 503 if stopped else 200)

    @app.get("/metrics", include_in_schema=False)
    async def read_metrics() -> Response:
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    @app.get("/operations/overview", include_in_schema=False)
    async def read_overview() -> dict[str, Any]:
        return {"service": name, **await overview()}

    return app
