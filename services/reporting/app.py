"""Composition root: the only place that knows everything."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from services.reporting.api import filing_router, view_router
from services.reporting.consumers import NAME, subscriptions
from services.reporting.handlers.desk import Desk
from services.reporting.jobs import Closing, Refusing, jobs
from services.reporting.policies import load_rules
from services.reporting.repository.views import count_overview
from services.reporting.settings import Settings
from shared.messaging import Limits
from shared.messaging.watermark import Watermark
from shared.security import Boxes, Callers, KeyStore
from shared.service import Service
from shared.storage import Database, Outbox

MIGRATIONS = Path(__file__).parent / "migrations"


def create(settings: Settings) -> Service:
    """Build the service; nothing is opened before it runs."""
    database = Database(settings.database_url, name=NAME)
    # Dead and parked records of intake rest sealed too, under keys of the same store that expire.
    keys = KeyStore(Database(settings.company_keys_database_url, name=f"{NAME} keys"), settings.masters("company", "record"))
    desk = make_desk(settings, database, keys)
    callers = Callers.load(settings.callers_file)
    permits, filings, messages = subscriptions(desk)
    limits = Limits()
    watermarks = [
        Watermark(settings.kafka_bootstrap_servers, heard, database, settings.clock, limits)
        for heard in (permits, filings, permits)
    ]
    closing = Closing(desk, watermarks[:2], (permits.group, filings.group))
    refusing = Refusing(desk, watermarks[2], settings.patience, permits.group)

    async def overview() -> dict[str, Any]:
        async with database.connection() as connection:
            return {"counts": await count_overview(connection)}

    return Service(
        NAME,
        settings,
        database=database,
        migrations=MIGRATIONS,
        subscriptions=(permits, filings, messages),
        jobs=jobs(desk, settings, closing, refusing),
        routers=(filing_router(desk, callers, settings.http_in_flight), view_router(desk, callers)),
        key_stores=(keys,),
        record_keys=keys,
        on_stop=[watermark.close for watermark in watermarks],
        overview=overview,
        limits=limits,
    )


def make_desk(settings: Settings, database: Database, keys: KeyStore) -> Desk:
    """Return what the use cases work with."""
    rules = load_rules(settings.policies / "iomki")
    return Desk(rules, settings.clock, database, Outbox(NAME), Boxes(keys))
