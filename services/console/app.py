"""Composition root: the only place that knows everything."""

from __future__ import annotations

from services.console.api import make_router
from services.console.gateways import Overviews
from services.console.settings import Settings
from shared.service import Service


def create(settings: Settings) -> Service:
    """Build the service; nothing is opened before it runs."""
    overviews = Overviews(settings.services(), settings.url_audit, settings.ask_seconds)
    return Service("console", settings, routers=(make_router(overviews),), on_start=(overviews.open,), on_stop=(overviews.close,))
