"""An operator's desk beside a consumer, on a real database."""

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from shared.contracts.topics import WORKERS
from shared.messaging import Limits
from shared.messaging.actions import Actions, Filter, Request
from shared.messaging.pipeline import Pipeline
from shared.messaging.redrive import Redrive
from shared.storage import Database
from shared.testing import eventually
from tests.integration.messaging.messaging_stage import QUICK, Stage

ANA, BUDI = "ana", "budi"
WHY = "the policy was repaired"
QUICK_LIMITS = Limits(retry=QUICK, redrive_alone=1_000, set_aside_records=100_000, redrive_per_second=5_000)
DONE_SECONDS = 60.0
"""Longest time for an action of a test; its own rate is what takes it."""


@dataclass
class Desk:
    """A consumer whose records died, and the people who put it right."""

    stage: Stage
    consumer: Pipeline
    limits: Limits = QUICK_LIMITS
    actions: Actions = field(init=False)
    redrive: Redrive = field(init=False)

    def __post_init__(self) -> None:
        self.actions = Actions(self.stage.database, self.limits)
        self.redrive = Redrive(self.stage.database, {self.consumer.subscription.group: self.consumer}, self.limits)

    async def ask(self, kind: str = "redrive", *, by: str = ANA, per_second: int = 5_000, **wanted: Any) -> UUID:
        return await self.actions.ask(Request(kind, Filter(**wanted), WHY, by, per_second))

    async def carry_out(self, action: UUID) -> dict[str, Any]:
        """Take steps and release until the action is over; return it with what became of its entries."""
        found: dict[str, Any] = {}

        async def is_over() -> bool:
            nonlocal found
            await self.redrive.step()
            while await self.consumer.release():
                pass
            found = await self.action(action)
            return found["state"] not in {"waiting", "running"}

        await eventually(is_over, within=DONE_SECONDS, what="the action being over")
        return found

    async def action(self, action: UUID) -> dict[str, Any]:
        return (await self.actions.find_actions(action))[0]

    async def letters(self) -> list[dict[str, Any]]:
        return await self.stage.rows("select state, reason, attempts, action from dead_letters order by record_offset")

    async def ledger(self) -> dict[str, int]:
        """Return the flow ledger by outcome; what was taken back is not there any more."""
        rows = await self.stage.rows(
            "select outcome, sum(events)::int as events from flow group by outcome having sum(events) <> 0"
        )
        return {str(row["outcome"]): int(str(row["events"])) for row in rows}


async def a_desk(stage: Stage, *, is_intake: bool = True, limits: Limits = QUICK_LIMITS) -> Desk:
    consumer = stage.consumer(is_intake=is_intake, limits=limits)
    if is_intake:
        await stage.assign(consumer)
    else:
        await stage.assign(consumer, WORKERS.name)
    return Desk(stage, consumer, limits)


async def database_of(stage: Stage) -> Database:
    """Return a second pool on the stage's database, as another process has."""
    database = Database(stage.database.url, name="second")
    await database.open()
    return database
