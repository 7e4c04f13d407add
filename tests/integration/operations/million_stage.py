"""A million registrations as four services would have left them, written by a few statements.

How the ledger's shape was chosen: production has 12 partitions per topic (`shared.contracts.topics`) and one cell per minute,
partition and outcome, so what an audit reads grows with how long the work took and not with how many events it was. A load
test's million takes a quarter of an hour: few cells. At 46 a second it takes six hours: 360 minutes x 12 partitions x 11 lanes.
The newest two minutes are as batches have appended them, because services fold what is older than that.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit

import asyncpg

from shared.contracts.topics import WORKERS
from shared.storage import load_queries
from tests.integration.operations.operations_stage import Stage

SQL = load_queries("tests.integration.operations", "million.sql")
PARTITIONS = WORKERS.partitions
APPENDED_MINUTES = 2
"""Minutes that no fold has met: `FOLD_AFTER_SECONDS` of `shared.storage.flow`."""
BATCHES_PER_MINUTE = 240
"""Four batches of a consumer each second, as many as are seen under load, each with records of all partitions."""
INTAKE, DECISIONS, PLACEMENTS, MESSAGES = (
    "intake.registrations.kemnaker",
    "eligibility.decisions",
    "eligibility.placements",
    "notification.messages",
)
TABLES = {
    "registration": ("fill_registration", "fill_tokens", "fill_submissions", "fill_registrations", "fill_sequences"),
    "eligibility": ("fill_workers", "fill_decisions", "fill_requests"),
    "notification": ("fill_messages", "fill_attempts"),
}
LANES = {
    "registration": [("said", "registration", WORKERS.name), ("heard", "registration.registrations", INTAKE)]
    + [("heard", f"registration.{topic.split('.')[1]}", topic) for topic in (DECISIONS, PLACEMENTS, MESSAGES)],
    "eligibility": [
        ("said", "eligibility", DECISIONS),
        ("said", "eligibility", PLACEMENTS),
        ("heard", "eligibility.workers", WORKERS.name),
    ],
    "notification": [("said", "notification", MESSAGES)]
    + [("heard", f"notification.{topic.split('.')[1]}", topic) for topic in (WORKERS.name, DECISIONS, PLACEMENTS)],
}


@dataclass(frozen=True, slots=True)
class Million:
    """So many registrations, the last of them at `end`, spread evenly over `minutes`."""

    events: int
    end: datetime
    minutes: int

    async def fill(self, connection: asyncpg.Connection, service: str) -> None:
        """Write a service's rows, and its ledger as folds and batches leave it."""
        # Triggers of foreign keys would cost more than the rows, and the rows refer to what is there.
        await connection.execute("set session_replication_role = replica; set synchronous_commit = off")
        span = timedelta(minutes=self.minutes)
        for block in TABLES.get(service, ()):
            arguments = (self.events, self.end, span) if "$2" in SQL[block] else (self.events,)
            await connection.execute(SQL[block], *arguments)
        shape = (self.events, self.end, self.minutes, PARTITIONS)
        for lane in LANES[service]:
            await connection.execute(SQL["fill_cells"], *shape, *lane, APPENDED_MINUTES)
            await connection.execute(SQL["fill_appended"], *shape, *lane, APPENDED_MINUTES, BATCHES_PER_MINUTE)
        await connection.execute(SQL["fill_positions"])
        await connection.execute("vacuum analyze")


async def work_on(stage: Stage, million: Million) -> None:
    """Let every service say and hear one more minute of the same work."""
    events = million.events // million.minutes
    shape = (events, million.end + timedelta(minutes=1), 1, PARTITIONS)
    for service, lanes in LANES.items():
        for lane in lanes:
            if lane[2] != INTAKE:
                await stage.sql(service, SQL["fill_appended"], *shape, *lane, 1, BATCHES_PER_MINUTE)


async def fill_all(stage: Stage, admin: str, million: Million) -> None:
    """Fill every service's database."""
    for service in LANES:
        path = urlsplit(stage.environment[f"DATABASE_URL_{service.upper()}"]).path
        connection = await asyncpg.connect(urlsplit(admin)._replace(path=path).geturl())
        try:
            await million.fill(connection, service)
        finally:
            await connection.close()
