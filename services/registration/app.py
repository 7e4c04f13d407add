"""Composition root: the only place that knows everything."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

from services.registration.api import Bounds, parse_layoffs, parse_registrations, status_router, submission_router
from services.registration.api.guesses import Guesses
from services.registration.consumers import NAME, subscriptions
from services.registration.handlers.deferring import Deferral
from services.registration.handlers.desk import Desk
from services.registration.handlers.door import forget_answers
from services.registration.repository.counts import count_overview
from services.registration.repository.deferred import measure_deferred
from services.registration.settings import Settings
from shared.messaging import Limits
from shared.messaging.vault import Vault
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

    deferral = make_deferral(desk, keys)

    async def overview() -> dict[str, Any]:
        kept = await measure_deferred(database)
        queue = {"queue": f"{NAME}.calls", "waiting": kept.waiting, "parked": kept.parked, "held": 0, "dead": 0}
        return {"counts": await count_overview(database), "queues": [queue]}

    async def clean() -> bool:
        return await forget_answers(desk, settings.answers_kept)

    return Service(
        NAME,
        settings,
        database=database,
        migrations=MIGRATIONS,
        subscriptions=subscriptions(desk),
        jobs=(
            Job("forget answers", settings.clean_seconds, clean),
            Job("work through calls", settings.deferred_seconds, deferral.run, deferral.wake),
        ),
        routers=(
            submission_router(desk, Callers.load(settings.callers_file), bounds, deferral),
            status_router(desk, Guesses()),
        ),
        key_stores=(keys,),
        record_keys=keys,
        overview=overview,
    )


def make_deferral(desk: Desk, keys: KeyStore) -> Deferral:
    """Return what keeps calls for later, and works through them."""
    vault = Vault(NAME, keys, Limits().dead_record_days)
    return Deferral(desk, vault, {"registration": parse_registrations, "layoff": parse_layoffs})


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
