"""A handler that writes down what it handled, and rejects the sick until they are cured."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from shared.clock import Clock
from shared.contracts.envelope import Event
from shared.errors import Unprocessable
from shared.messaging import Limits, Received, Subscription
from shared.messaging.actions import Actions, Filter, Request
from shared.messaging.pipeline import Pipeline
from shared.messaging.redrive import Redrive
from shared.messaging.vault import Vault
from shared.storage import Tx
from tests.integration.messaging.messaging_stage import QUICK, Stage

LIMITS = Limits(retry=QUICK, redrive_failures=10_000, set_aside_records=10_000, redrive_per_second=5_000)
"""The matrix is all poison: what stops a consumer or a redrive has its own tests."""


@dataclass
class Clerk:
    """Route of every event of one consumer."""

    consumer: str
    sick: set[str] = field(default_factory=set)

    async def prepare(self, _batch: Sequence[Received[Event]]) -> None:
        """Need nothing."""

    async def apply(self, tx: Tx, batch: Sequence[Received[Event]], _prepared: object) -> None:
        await tx.executemany(
            "insert into effects (event_id, key, note) values ($1, $2, $3)", [(r.id, r.key, self.consumer) for r in batch]
        )
        if any(received.key in self.sick for received in batch):
            raise Unprocessable("sick", "body")


@dataclass
class Bench:
    """One consumer of a service on a database, with an operator beside it."""

    stage: Stage
    subscription: Subscription
    clerk: Clerk
    pipeline: Pipeline

    @classmethod
    def of(cls, stage: Stage, heard: Subscription) -> "Bench":
        clerk = Clerk(heard.group)
        subscription = Subscription(heard.service, heard.subject, heard.topic, dict.fromkeys(heard.routes, clerk))
        vault = Vault(heard.service, stage.keys, 30)
        pipeline = Pipeline(subscription, stage.database, clock=Clock(), limits=LIMITS, vault=vault)
        return cls(stage, subscription, clerk, pipeline)

    async def handled(self) -> list[str]:
        """Return the keys that were handled, in order."""
        async with self.stage.database.connection() as connection:
            rows = await connection.fetch("select key from effects where note = $1 order by n", self.subscription.group)
        return [row["key"] for row in rows]

    async def letters(self) -> dict[int, tuple[str, str, int, str]]:
        """Return reason, field, attempts and state of each dead letter by its offset."""
        sql = "select record_offset, reason, field, attempts, state from dead_letters where consumer = $1"
        async with self.stage.database.connection() as connection:
            rows = await connection.fetch(sql, self.subscription.group)
        return {row["record_offset"]: (row["reason"], row["field"], row["attempts"], row["state"]) for row in rows}

    async def redrive_all(self) -> dict[str, int]:
        """Redrive every dead letter of the consumer; return what became of them."""
        actions = Actions(self.stage.database, LIMITS)
        redrive = Redrive(self.stage.database, {self.subscription.group: self.pipeline}, LIMITS)
        action = await actions.ask(Request("redrive", Filter(consumer=self.subscription.group), "a test", "ana", 5_000))
        for _ in range(1_000):
            await redrive.step()
            while await self.pipeline.release():
                pass
            found = (await actions.find_actions(action))[0]
            if found["state"] != "running":
                outcomes: dict[str, int] = found["outcomes"]
                return outcomes
        raise AssertionError(found)
