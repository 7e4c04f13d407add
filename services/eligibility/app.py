"""Composition root: the only place that knows everything."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any
from uuid import uuid4

from services.eligibility.api import offer_router, review_router
from services.eligibility.consumers import NAME, subscriptions
from services.eligibility.handlers.answering import Expiry
from services.eligibility.handlers.desk import Bounds, Desk
from services.eligibility.handlers.placing import Allocator
from services.eligibility.handlers.sharing import Share
from services.eligibility.policies import load_policies, load_reference
from services.eligibility.repository.reference import save_reference
from services.eligibility.repository.views import count_overview
from services.eligibility.settings import Settings
from shared.security import Boxes, Callers, KeyStore
from shared.service import Job, Service
from shared.storage import Database, Outbox

MIGRATIONS = Path(__file__).parent / "migrations"
ALLOCATE_APART_SECONDS = 0.02
"""Between two looks for requests that decisions have left waiting and woken it for."""


def create(settings: Settings) -> Service:
    """Build the service; nothing is opened before it runs."""
    database = Database(settings.database_url, name=NAME)
    keys = KeyStore(Database(settings.keys_database_url, name=f"{NAME} keys"), settings.masters("facts"))
    desk = make_desk(settings, database, keys)
    callers = Callers.load(settings.callers_file)

    async def load_reference_data() -> None:
        async with database.transaction() as tx:
            await save_reference(tx, desk.reference)

    async def overview() -> dict[str, Any]:
        async with database.connection() as connection:
            return await count_overview(connection)

    return Service(
        NAME,
        settings,
        database=database,
        migrations=MIGRATIONS,
        subscriptions=subscriptions(desk),
        jobs=(
            Job("allocate seats", settings.allocate_seconds, Allocator(desk).run, asyncio.Event(), ALLOCATE_APART_SECONDS),
            Job("expire offers", settings.expire_seconds, Expiry(desk).run),
        ),
        routers=(offer_router(desk), review_router(desk, callers)),
        key_stores=(keys,),
        on_start=[load_reference_data],
        overview=overview,
    )


def make_desk(settings: Settings, database: Database, keys: KeyStore) -> Desk:
    """Return what the use cases work with."""
    folder = settings.policies / "eligibility"
    bounds = Bounds(settings.offer_time, settings.review_time, settings.allocate_batch, settings.expire_batch)
    return Desk(
        book=load_policies(folder),
        reference=load_reference(folder),
        clock=settings.clock,
        database=database,
        outbox=Outbox(NAME),
        boxes=Boxes(keys),
        bounds=bounds,
        instance=settings.instance or uuid4().hex[:8],
        share=Share(),
    )
