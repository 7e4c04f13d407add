"""Composition root: the only place that knows everything."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

from services.registration.api import Bounds, status_router, submission_router
from services.registration.api.guesses import Guesses
from services.registration.consumers import NAME, subscriptions
from services.registration.handlers.desk import Desk
from services.registration.handlers.door import forget_answers
from services.registration.repository.counts import count_overview
from services.registration.settings import Settings
from shared.security import BlindIndex, Boxes, Callers, KeyStore
from shared.service import Job, Service
from shared.storage import Database, Outbox

MIGRATIONS = Path(__file__).parent / "migrations"


def create(settings: Settings) -> Service:
    """Build the service; nothing is opened before it runs."""
    database = Database(settings.database_url, name=NAME, size=settings.pool_size)
    masters = settings.masters("identity", "contact", "facts", "record")
    keys = KeyStore(Database(settings.keys_database_url, name=f"{NAME} keys"), masters)
    desk = make_desk(settings, database, keys)
    bounds = Bounds(settings.http_in_flight, settings.outbox_events)

    async def overview() -> dict[str, Any]:
        return {"counts": await count_overview(database)}

    async def clean() -> bool:
        return await forget_answers(desk, settings.answers_kept)

    return Service(
        NAME,
        settings,
        database=database,
        migrations=MIGRATIONS,
        subscriptions=subscriptions(desk),
        jobs=(Job("forget answers", settings.clean_seconds, clean),),
        routers=(submission_router(desk, Callers.load(settings.callers_file), bounds), status_router(desk, Guesses())),
        key_stores=(keys,),
        record_keys=keys,
        overview=overview,
    )


def make_desk(settings: Settings, database: Database, keys: KeyStore) -> Desk:
    """Return what the use cases work with."""
    return Desk(
        database,
        Boxes(keys),
        BlindIndex.parse(settings.blind_keys.get_secret_value()),
        Outbox(NAME),
        settings.clock,
        timedelta(days=settings.refusal_days),
        timedelta(hours=settings.repeat_hours),
    )
