"""The audit as a process of its own: again and again, as metrics, and as the last verdict over HTTP."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from aiokafka.errors import KafkaError
from fastapi import APIRouter
from prometheus_client import Gauge
from pydantic import Field

from rintis.operations.audit import Audit
from rintis.operations.findings import KINDS, Verdict
from rintis.operations.log import open_log
from rintis.operations.sources import open_sources
from rintis.operations.store import open_store
from rintis.runtime.errors import CannotStart
from shared.service import Job, Service, ServiceSettings
from shared.storage import TRANSIENT
from shared.telemetry import get_logger

log = get_logger(__name__)

GAUGES = {
    "missing": Gauge("rintis_audit_missing", "Events that the last audit found said and not heard, or read without an outcome."),
    "double": Gauge("rintis_audit_double", "Effects that the last audit found twice."),
    "stuck": Gauge("rintis_audit_stuck", "Keys, outboxes and messages that the last audit found waiting for too long."),
    "in_flight": Gauge("rintis_audit_in_flight", "Events on their way at the last audit."),
}
LAST_AT = Gauge("rintis_audit_last_timestamp_seconds", "When the last audit ended, as seconds since 1970.")
TOOK = Gauge("rintis_audit_seconds", "How long the last audit took.")
AUDIT_SECONDS = 120.0
"""Longest time for one audit: far above what a million events cost, and an end for one that a server keeps waiting."""
CANNOT_LOOK = (*TRANSIENT, KafkaError, CannotStart)
"""A server is away: nothing can be said, which is not the same as that something is broken."""


class Settings(ServiceSettings):
    """When to look, and how long to wait for what is on its way."""

    every_seconds: float = Field(default=60.0, gt=0, validation_alias="RINTIS_AUDIT_EVERY_SECONDS")
    """An audit of a system at rest costs a fraction of a second; a minute is as fine as the ledger is."""
    patience_seconds: float = Field(default=5.0, ge=0, validation_alias="RINTIS_AUDIT_PATIENCE_SECONDS")
    """What has not passed by then is said to be on its way."""


async def audit_once(patience: float, *, is_whole: bool = False) -> Verdict:
    """Open everything, audit, close everything. Raises one of CANNOT_LOOK where a server is away."""
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(asyncio.timeout(AUDIT_SECONDS + patience))
        sources = await stack.enter_async_context(open_sources())
        log_ = await stack.enter_async_context(open_log(sources.bootstrap))
        store = await stack.enter_async_context(open_store())
        return await Audit(sources, log_, patience=patience, store=store, is_whole=is_whole).run()


@dataclass
class Latest:
    """The last verdict, and what keeps the next one from coming."""

    patience: float
    at: datetime | None = None
    verdict: Verdict | None = None
    trouble: str | None = None

    async def renew(self) -> bool:
        """Audit once more. A server that is away is said, not raised: the next look comes by itself."""
        try:
            verdict = await audit_once(self.patience)
        except CANNOT_LOOK as error:
            self.trouble = type(error).__name__
            log.warning("The audit cannot look.", action="audit_blind", error=self.trouble)
            return False
        self.at, self.verdict, self.trouble = datetime.now(UTC), verdict, None
        for kind in KINDS:
            GAUGES[kind].set(verdict.count(kind))
        GAUGES["in_flight"].set(verdict.in_flight)
        LAST_AT.set(self.at.timestamp())
        TOOK.set(verdict.took_seconds)
        if first := verdict.first_broken:
            log.error("A link is broken.", action="audit_broken", kind=first.kind, where=first.where, events=first.events)
        return False

    def as_dict(self) -> dict[str, Any]:
        """Return what the live page shows."""
        verdict = self.verdict.as_dict() if self.verdict else None
        is_clean = self.verdict.is_clean if self.verdict else None
        return {"at": self.at and self.at.isoformat(), "is_clean": is_clean, "trouble": self.trouble, "verdict": verdict}


def create(settings: Settings) -> Service:
    """Build the process; nothing is opened before it runs."""
    latest = Latest(settings.patience_seconds)
    router = APIRouter()

    @router.get("/latest")
    async def read_latest() -> dict[str, Any]:
        """Return the last audit: when, whether all was accounted for, and everything that it found."""
        return latest.as_dict()

    return Service("audit", settings, routers=(router,), jobs=(Job("audit", settings.every_seconds, latest.renew),))
