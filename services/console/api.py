"""The live page and the numbers it asks for."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

from fastapi import APIRouter, Response

from services.console.gateways import Overviews

KINDS = {"index.html": "text/html", "live.css": "text/css", "live.js": "text/javascript"}
POLICY = "default-src 'self'"
"""Nothing is loaded from elsewhere: the page works without the internet."""


def make_router(overviews: Overviews) -> APIRouter:
    """Return the routes."""
    router = APIRouter()
    page = files("services.console") / "page"
    texts = {name: page.joinpath(name).read_text("utf-8") for name in KINDS}

    @router.get("/", include_in_schema=False)
    async def index() -> Response:
        return Response(texts["index.html"], media_type="text/html", headers={"Content-Security-Policy": POLICY})

    @router.get("/page/{name}", include_in_schema=False)
    async def part(name: str) -> Response:
        if name not in texts:
            return Response(status_code=404)
        return Response(texts[name], media_type=KINDS[name], headers={"Cache-Control": "no-cache"})

    @router.get("/api/overview")
    async def overview() -> dict[str, dict[str, Any] | None]:
        """Return every service's overview; null for one that does not answer."""
        return await overviews.ask()

    @router.get("/api/audit")
    async def audit() -> dict[str, Any] | None:
        """Return the last audit; null where the audit's process does not answer."""
        return await overviews.ask_audit()

    return router
