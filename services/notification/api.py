"""HTTP in: the task inbox of staff.

Annotations are evaluated here: FastAPI cannot find a dependency that is made inside a function by its name.
"""

from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, Field

from services.notification.domain.tasks import KINDS, TaskState
from services.notification.handlers.deciding import UNFINISHED, Inbox
from services.notification.rendering import say_reasons
from services.notification.repository.tasks import Decision, Task
from shared.security import Caller, Callers
from shared.service import caller_dependency

MAX_TASKS = 200
"""Most tasks in one answer: more than a person works through in a day."""

PROBLEMS: dict[int | str, dict[str, Any]] = {
    401: {"description": "No known bearer token"},
    403: {"description": "Another dinas' or role's task"},
    404: {"description": "No such task"},
}
CONFLICT: dict[int | str, dict[str, Any]] = {409: {"description": "The task is not in a state that allows this"}}


class TaskView(BaseModel):
    """A task as staff see it. Whom it is about is told by the service that asked, under `link`."""

    id: UUID
    kind: str
    title: str = Field(description="What is to be done, in Bahasa Indonesia.")
    state: TaskState
    dinas: str = Field(description="Kemendagri code of the regency whose dinas should look.")
    programme: str | None
    reasons: list[str] = Field(description="Why a person must decide, in Bahasa Indonesia.")
    about: UUID = Field(description="Worker id or permit id.")
    case_id: UUID
    link: str
    assignee: str | None = Field(description="Who is asked first.")
    claimed_by: str | None
    opened_at: datetime
    due_at: datetime
    is_overdue: bool
    completed_at: datetime | None
    outcome: Decision | None
    reason: str | None

    @classmethod
    def of(cls, task: Task, now: datetime) -> Self:
        """Return the view of a task at a business time."""
        values = asdict(task) | {
            "title": KINDS[task.kind].title,
            "reasons": say_reasons(task.reasons),
            "is_overdue": task.state is not TaskState.COMPLETED and task.due_at < now,
        }
        return cls.model_validate(values)


class TaskList(BaseModel):
    """Tasks, most urgent first."""

    tasks: list[TaskView]


class Completion(BaseModel):
    """What a member of staff decided, with the code of the reason."""

    outcome: Decision
    reason: str = Field(pattern=r"^[A-Za-z0-9_]{1,64}$", description="A reason code; never a name or other personal datum.")


def make_router(inbox: Inbox, callers: Callers) -> APIRouter:
    """Return the routes of the task inbox."""
    router = APIRouter(prefix="/tasks", tags=["tasks"])
    identify = caller_dependency(callers)
    _add_reading(router, inbox, identify)
    _add_changes(router, inbox, identify)
    return router


def _add_reading(router: APIRouter, inbox: Inbox, identify: Callable[..., Caller]) -> None:
    @router.get("", summary="Tasks of mine or of my regions", responses={401: PROBLEMS[401]})
    async def list_tasks(
        caller: Annotated[Caller, Depends(identify)],
        scope: Literal["mine", "region"] = "region",
        state: Annotated[list[TaskState] | None, Query(description="Without it, everything unfinished.")] = None,
        limit: Annotated[int, Query(ge=1, le=MAX_TASKS)] = 50,
    ) -> TaskList:
        """Return tasks by urgency: the nearest due time first."""
        select = inbox.list_mine if scope == "mine" else inbox.list_regional
        tasks = await select(caller, state or UNFINISHED, limit)
        return TaskList(tasks=[TaskView.of(task, inbox.clock.now()) for task in tasks])

    @router.get("/{task_id}", summary="One task", responses=PROBLEMS)
    async def find_task(task_id: UUID, caller: Annotated[Caller, Depends(identify)]) -> TaskView:
        """Return one task."""
        return TaskView.of(await inbox.find(caller, task_id), inbox.clock.now())


def _add_changes(router: APIRouter, inbox: Inbox, identify: Callable[..., Caller]) -> None:
    @router.post("/{task_id}/claim", summary="Take a task", responses=PROBLEMS | CONFLICT)
    async def claim_task(task_id: UUID, caller: Annotated[Caller, Depends(identify)]) -> TaskView:
        """Take a task that nobody else has taken."""
        return TaskView.of(await inbox.claim(caller, task_id), inbox.clock.now())

    @router.post("/{task_id}/return", summary="Put a task back", responses=PROBLEMS | CONFLICT)
    async def return_task(task_id: UUID, caller: Annotated[Caller, Depends(identify)]) -> TaskView:
        """Put a task of one's own back for somebody else."""
        return TaskView.of(await inbox.give_back(caller, task_id), inbox.clock.now())

    @router.post("/{task_id}/complete", summary="Decide", responses=PROBLEMS | CONFLICT)
    async def complete_task(task_id: UUID, completion: Completion, caller: Annotated[Caller, Depends(identify)]) -> TaskView:
        """Record the decision on a task of one's own."""
        done = await inbox.complete(caller, task_id, completion.outcome, completion.reason)
        return TaskView.of(done, inbox.clock.now())
