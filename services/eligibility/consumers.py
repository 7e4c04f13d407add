"""Kafka in: who hears what. No logic."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from services.eligibility.handlers.deciding import Ruling, Rulings, decide_workers, rule_on_workers
from services.eligibility.handlers.desk import Desk
from services.eligibility.handlers.reviewing import Case, Cases, decide_reviews, open_cases
from shared.contracts.notification import TaskCompleted
from shared.contracts.registration import WorkerRegistered
from shared.contracts.topics import TASKS, WORKERS
from shared.messaging import Outcome, Received, Subscription
from shared.storage import Tx

NAME = "eligibility"


def subscriptions(desk: Desk) -> tuple[Subscription, Subscription]:
    """Return what the service hears: registered workers, and tasks that staff have completed."""
    return (
        Subscription(NAME, "workers", WORKERS, {WorkerRegistered: DecideWorkers(desk)}),
        Subscription(NAME, "tasks", TASKS, {TaskCompleted: DecideReviews(desk)}),
    )


@dataclass(frozen=True, slots=True)
class DecideWorkers:
    """Hears that workers were registered."""

    desk: Desk

    async def prepare(self, batch: Sequence[Received[WorkerRegistered]]) -> dict[UUID, Ruling | None]:
        """Open the facts and apply the rules."""
        return await rule_on_workers(self.desk, batch)

    async def apply(self, tx: Tx, batch: Sequence[Received[WorkerRegistered]], rulings: Rulings) -> Sequence[Outcome]:
        """Store and say the decisions."""
        return await decide_workers(tx, self.desk, batch, rulings)


@dataclass(frozen=True, slots=True)
class DecideReviews:
    """Hears that staff completed tasks."""

    desk: Desk

    async def prepare(self, batch: Sequence[Received[TaskCompleted]]) -> dict[UUID, Case]:
        """Find the reviews and open their facts."""
        return await open_cases(self.desk, batch)

    async def apply(self, tx: Tx, batch: Sequence[Received[TaskCompleted]], cases: Cases) -> Sequence[Outcome]:
        """Store and say what staff decided."""
        return await decide_reviews(tx, self.desk, batch, cases)
