"""What staff do with their tasks: claim, return, complete. Each change is one event."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from uuid import UUID

from services.notification import metrics
from services.notification.domain.tasks import KINDS, TaskState, choose_assignee, kinds_for
from services.notification.handlers.opening import announce_opened
from services.notification.repository import tasks as repository
from services.notification.repository.tasks import Decision, Task
from shared.clock import Clock
from shared.contracts.notification import TaskClaimed, TaskCompleted, TaskEvent
from shared.security import Caller
from shared.service import Problem
from shared.storage import Database, Outbox, Outgoing, Tx

UNFINISHED = (TaskState.OPEN, TaskState.CLAIMED)


@dataclass(frozen=True, slots=True)
class Inbox:
    """The tasks as staff work on them. `Problem` says what cannot be done, in words for staff."""

    database: Database
    outbox: Outbox
    clock: Clock

    async def list_mine(self, caller: Caller, states: Collection[TaskState], limit: int) -> list[Task]:
        """Return the tasks that the caller does or is asked for first, most urgent first."""
        return await self._list(caller, caller.person, states, limit)

    async def list_regional(self, caller: Caller, states: Collection[TaskState], limit: int) -> list[Task]:
        """Return every task that the caller may do in the caller's regions, most urgent first."""
        return await self._list(caller, None, states, limit)

    async def find(self, caller: Caller, task_id: UUID) -> Task:
        """Return a task that the caller may see."""
        async with self.database.connection() as connection:
            return _allow(caller, await repository.find_task(connection, task_id))

    async def claim(self, caller: Caller, task_id: UUID) -> Task:
        """Give the task to the caller; claiming one's own again changes nothing."""

        async def change(tx: Tx, task: Task) -> Task:
            if task.state is TaskState.CLAIMED and task.claimed_by == caller.person:
                return task
            if task.state is not TaskState.OPEN:
                raise _taken(task)
            claimed = await repository.claim_task(tx, task.id, caller.person)
            await self._say(tx, claimed, TaskClaimed(person=caller.person, **_about(claimed)))
            return claimed

        return await self._change(caller, task_id, change)

    async def give_back(self, caller: Caller, task_id: UUID) -> Task:
        """Put the caller's task back; somebody else is asked first."""

        async def change(tx: Tx, task: Task) -> Task:
            _require_own(caller, task)
            others = [person for person in await repository.list_staff(tx) if person.person != caller.person]
            assignee = choose_assignee(task.kind, task.dinas, others, await repository.count_load(tx))
            returned = await repository.return_task(tx, task.id, assignee)
            await self._say(tx, returned, announce_opened(returned))
            return returned

        return await self._change(caller, task_id, change)

    async def complete(self, caller: Caller, task_id: UUID, outcome: Decision, reason: str) -> Task:
        """Record the caller's decision; the service that asked hears of it once."""

        async def change(tx: Tx, task: Task) -> Task:
            _require_own(caller, task)
            done = await repository.complete_task(tx, task.id, outcome=outcome, reason=reason, now=self.clock.now())
            await self._say(tx, done, TaskCompleted(person=caller.person, outcome=outcome, reason=reason, **_about(done)))
            return done

        return await self._change(caller, task_id, change)

    async def _list(self, caller: Caller, person: str | None, states: Collection[TaskState], limit: int) -> list[Task]:
        kinds = kinds_for(caller.roles)
        async with self.database.connection() as connection:
            return await repository.list_tasks(
                connection, kinds=kinds, regions=caller.regions, person=person, states=states, limit=limit
            )

    async def _change(self, caller: Caller, task_id: UUID, change: Callable[[Tx, Task], Awaitable[Task]]) -> Task:
        async with self.database.transaction() as tx:
            return await change(tx, _allow(caller, await repository.lock_task(tx, task_id)))

    async def _say(self, tx: Tx, task: Task, event: TaskEvent) -> None:
        await self.outbox.add(tx, [Outgoing(event, task.id, self.clock.now(), task.revision)])
        metrics.TASKS.labels(task.kind, task.state).inc()


def _about(task: Task) -> dict[str, object]:
    return {"task_id": task.id, "about": task.about, "case_id": task.case_id, "kind": task.kind, "dinas": task.dinas}


def _allow(caller: Caller, task: Task | None) -> Task:
    """Return the task where the caller's roles and regions cover it."""
    if task is None:
        raise Problem(404, "Tugas tidak ditemukan", "Tidak ada tugas dengan nomor ini.", field="task_id")
    if not (caller.roles & KINDS[task.kind].roles and caller.covers(task.dinas)):
        raise Problem(
            403,
            "Bukan wewenang Anda",
            "Tugas ini milik dinas atau peran lain.",
            field="Authorization",
            remedy="Buka daftar tugas Anda; tugas yang boleh Anda kerjakan ada di sana.",
        )
    return task


def _require_own(caller: Caller, task: Task) -> None:
    if task.state is not TaskState.CLAIMED:
        raise _taken(task)
    if task.claimed_by != caller.person:
        raise Problem(
            409,
            "Tugas dikerjakan orang lain",
            f"Tugas ini sedang dikerjakan oleh {task.claimed_by}.",
            field="task_id",
            remedy="Pilih tugas lain, atau minta yang bersangkutan mengembalikannya.",
        )


def _taken(task: Task) -> Problem:
    """Return why a task cannot be changed in its state."""
    if task.state is TaskState.OPEN:
        return Problem(
            409, "Tugas belum diambil", "Tugas ini belum Anda ambil.", field="task_id", remedy="Ambil dahulu tugas ini."
        )
    if task.state is TaskState.COMPLETED:
        return Problem(
            409, "Tugas sudah selesai", "Keputusan atas tugas ini sudah dicatat.", field="task_id", remedy="Pilih tugas lain."
        )
    return Problem(
        409,
        "Tugas sudah diambil",
        f"Tugas ini sedang dikerjakan oleh {task.claimed_by}.",
        field="task_id",
        remedy="Pilih tugas lain dari daftar.",
    )
