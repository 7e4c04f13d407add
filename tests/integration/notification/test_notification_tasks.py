from __future__ import annotations

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from shared.contracts.notification import TaskClaimed, TaskCompleted, TaskOpened
from shared.testing import eventually
from tests.integration.notification.notification_stage import Stage
from tests.unit.notification.notification_builders import a_review

pytestmark = pytest.mark.servers

DECISION = {"outcome": "approve", "reason": "evidence_seen"}


async def reviews(stage: Stage, count: int, dinas: str = "32.73", *, times: int = 1) -> list[UUID]:
    """Ask for reviews, the later the less urgent, and return the workers' ids."""
    workers = [uuid4() for _ in range(count)]
    for number, worker in enumerate(workers):
        due_at = datetime.now(UTC) + timedelta(hours=number - 0.5)
        contact = await stage.seal_contact(worker)
        await stage.say(a_review(worker, contact=contact, dinas=dinas, due_at=due_at), times=times)
    return workers


async def inbox(stage: Stage, person: str, **query: Any) -> list[dict[str, Any]]:
    async with stage.call(person) as client:
        answer = await client.get("/tasks", params=query)
        answer.raise_for_status()
        tasks: list[dict[str, Any]] = answer.json()["tasks"]
        return tasks


async def act(stage: Stage, person: str, task: str, verb: str, body: Any = None) -> tuple[int, dict[str, Any]]:
    async with stage.call(person) as client:
        answer = await client.post(f"/tasks/{task}/{verb}", json=body)
        return answer.status_code, answer.json()


async def test_a_review_asked_five_times_is_one_task_shared_by_load_and_listed_by_urgency(stage: Stage) -> None:
    stage.open_doors()
    workers = await reviews(stage, 6, times=5)

    async def all_open() -> list[dict[str, Any]]:
        tasks = await inbox(stage, "ani")
        assert len(tasks) == 6
        return tasks

    tasks = await eventually(all_open, what="one task per review")
    assert [task["about"] for task in tasks] == [str(worker) for worker in workers]
    assert [task["is_overdue"] for task in tasks] == [True] + [False] * 5
    assert Counter(task["assignee"] for task in tasks) == {"ani": 3, "budi": 3}
    assert {task["assignee"] for task in await inbox(stage, "ani", scope="mine")} == {"ani"}
    assert tasks[0]["title"] == "Tinjau kelayakan pendaftar"
    await eventually(lambda: len(stage.received("sms")) == 6, what="each worker is told that the case is looked at")


async def test_a_task_can_be_claimed_by_one_person_only(stage: Stage) -> None:
    stage.open_doors()
    await reviews(stage, 1)
    (task,) = await eventually(lambda: inbox(stage, "ani"), what="the task")
    results = await asyncio.gather(*(act(stage, person, task["id"], "claim") for person in ("ani", "budi") * 4))
    winners = {body["claimed_by"] for status, body in results if status == 200}
    assert len(winners) == 1
    assert sorted(status for status, _ in results) == [200] * 4 + [409] * 4
    assert {body["title"] for status, body in results if status == 409} == {"Tugas sudah diambil"}

    async def claimed_once() -> bool:
        return Counter(t for t, _ in await stage.said("notification.tasks")) == {TaskOpened.TYPE: 1, TaskClaimed.TYPE: 1}

    await eventually(claimed_once, what="one event of the claim")


async def test_completing_twice_is_a_conflict_and_one_event(stage: Stage) -> None:
    stage.open_doors()
    (worker,) = await reviews(stage, 1)
    (task,) = await eventually(lambda: inbox(stage, "ani"), what="the task")
    assert (await act(stage, "ani", task["id"], "complete", DECISION))[0] == 409
    assert (await act(stage, "ani", task["id"], "claim"))[0] == 200
    assert (await act(stage, "budi", task["id"], "complete", DECISION))[0] == 409
    first = await act(stage, "ani", task["id"], "complete", DECISION)
    again = await act(stage, "ani", task["id"], "complete", DECISION)
    assert (first[0], first[1]["state"], again[0]) == (200, "completed", 409)
    assert await inbox(stage, "ani") == []

    async def completed() -> list[dict[str, Any]]:
        return [body for type_, body in await stage.said("notification.tasks") if type_ == TaskCompleted.TYPE]

    (event,) = await eventually(completed, what="the completion's event")
    assert (event["about"], event["case_id"], event["outcome"], event["person"]) == (
        str(worker),
        task["case_id"],
        "approve",
        "ani",
    )


async def test_a_returned_task_goes_to_somebody_else(stage: Stage) -> None:
    stage.open_doors()
    await reviews(stage, 1)
    (task,) = await eventually(lambda: inbox(stage, "ani"), what="the task")
    await act(stage, "ani", task["id"], "claim")
    status, returned = await act(stage, "ani", task["id"], "return")
    assert (status, returned["state"], returned["assignee"], returned["claimed_by"]) == (200, "open", "budi", None)
    assert (await act(stage, "budi", task["id"], "claim"))[0] == 200


async def test_roles_and_regions_are_enforced(stage: Stage) -> None:
    stage.open_doors()
    await reviews(stage, 1)
    (task,) = await eventually(lambda: inbox(stage, "ani"), what="the task")
    for stranger in ("citra", "fitri"):
        assert await inbox(stage, stranger) == []
        assert (await act(stage, stranger, task["id"], "claim"))[0] == 403
    assert (await act(stage, "nobody", task["id"], "claim"))[0] == 401
    assert (await act(stage, "ani", str(uuid4()), "claim"))[0] == 404
    status, problem = await act(stage, "ani", task["id"], "complete", {"outcome": "approve", "reason": "Siti Rahmawati"})
    assert status == 422
    assert "Siti" not in str(problem)


async def test_operators_see_messages_by_channel_and_tasks_by_dinas(stage: Stage) -> None:
    service = stage.open_doors()
    await reviews(stage, 2)

    async def overview() -> dict[str, Any]:
        async with stage.call("ani") as client:
            body: dict[str, Any] = (await client.get(f"{service.program.url}/operations/overview")).json()
        assert body["counts"] == {"sent": 2}
        return body

    seen = await eventually(overview, what="both messages are counted")
    assert seen["messages"] == [{"channel": "sms", "state": "sent", "messages": 2}]
    assert seen["tasks"] == [{"dinas": "32.73", "state": "open", "tasks": 2, "overdue": 1}]
