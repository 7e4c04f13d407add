"""A question to staff becomes a task, routed to a dinas and a person."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

from services.notification import metrics
from services.notification.domain.tasks import choose_assignee
from services.notification.handlers.telling import Desk, TellPeople
from services.notification.repository import tasks as repository
from services.notification.repository.tasks import Task
from shared.contracts.eligibility import ReviewAsked
from shared.contracts.envelope import Event, derive_id
from shared.contracts.notification import TaskOpened
from shared.messaging import ERASED, HANDLED, Outcome, Received
from shared.storage import Outgoing, Tx


class TellAndAsk:
    """Route of decisions: workers are told, and where one is asked for, staff of the dinas get a task."""

    def __init__(self, tell: TellPeople, desk: Desk) -> None:
        self._tell = tell
        self._desk = desk

    async def prepare(self, batch: Sequence[Received[Any]]) -> set[UUID]:
        """Find out which of the workers that staff are to decide on were erased."""
        asked = {received.event.worker_id for received in batch if isinstance(received.event, ReviewAsked)}
        if not asked:
            return set()
        keys = await self._desk.boxes["contact"].keys.find(asked, "contact")
        return {worker_id for worker_id, key in keys.items() if key is None}

    async def apply(self, tx: Tx, batch: Sequence[Received[Any]], erased: set[UUID]) -> Sequence[Outcome]:
        """Store the messages and open the tasks; about somebody who was erased nothing is left to decide."""
        outcomes = [ERASED if _is_void(received.event, erased) else HANDLED for received in batch]
        told = [received for received, outcome in zip(batch, outcomes, strict=True) if outcome is HANDLED]
        if told:
            await self._tell.apply(tx, told, None)
        asked = [received for received in told if isinstance(received.event, ReviewAsked)]
        if asked:
            await self._open(tx, asked)
        return outcomes

    async def _open(self, tx: Tx, asked: Sequence[Received[ReviewAsked]]) -> None:
        now = self._desk.clock.now()
        known = await repository.find_cases(tx, "eligibility_review", [r.event.review_id for r in asked])
        staff = await repository.list_staff(tx)
        load: Counter[str] = Counter(await repository.count_load(tx))
        tasks = []
        for received in asked:
            if received.event.review_id not in known:
                assignee = choose_assignee("eligibility_review", received.event.dinas, staff, load)
                load.update([assignee] if assignee else [])
                tasks.append(_task_of(received, assignee))
        opened = await repository.add_tasks(tx, tasks, now)
        fresh = [task for task in tasks if task.id in opened]
        await self._desk.outbox.add(tx, [Outgoing(announce_opened(task), task.id, now, task.revision) for task in fresh])
        metrics.TASKS.labels("eligibility_review", "opened").inc(len(fresh))


def _is_void(event: Event, erased: Collection[UUID]) -> bool:
    return isinstance(event, ReviewAsked) and event.worker_id in erased


def announce_opened(task: Task) -> TaskOpened:
    """Return the event that says who is asked now; a task that was returned is opened again."""
    return TaskOpened(
        task_id=task.id,
        about=task.about,
        case_id=task.case_id,
        kind=task.kind,
        dinas=task.dinas,
        assignee=task.assignee,
        due_at=task.due_at,
    )


def _task_of(received: Received[ReviewAsked], assignee: str | None) -> Task:
    event = received.event
    return Task(
        id=derive_id(received.id, "task"),
        kind="eligibility_review",
        case_id=event.review_id,
        about=event.worker_id,
        dinas=event.dinas,
        programme=event.programme,
        reasons=tuple(event.reasons),
        link=event.link,
        assignee=assignee,
        opened_at=received.arrived_at,
        due_at=event.due_at,
    )
