"""Staff of the provinces' dinas who take their tasks, read the review that each links to, and decide."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp

from rintis.demo.policy import staff_outcome

OVERSEER = "petugas-pusat"
"""Sees the tasks of the whole country; does those that nobody nearer is asked for."""
LOOK_SECONDS = 0.5
"""Between two looks into an empty inbox."""
LISTED = 200
AT_ONCE = 6
"""People who work at the same time."""
OUTCOMES = {"approved": ("approve", "bukti_diterima"), "rejected": ("reject", "bukti_kurang")}


@dataclass(slots=True)
class Staff:
    """Everybody with a task inbox. `tokens` are their bearer tokens by name."""

    tasks_url: str
    reviews_url: str
    tokens: Mapping[str, str]
    completed: int = 0
    refused: int = 0
    """Claims that were answered with a conflict: somebody else was quicker."""

    async def work_for_ever(self) -> None:
        """Do what lies in the inbox until cancelled."""
        limit = asyncio.Semaphore(AT_ONCE)
        async with aiohttp.ClientSession() as session:
            while True:
                tasks = await self._inbox(session)
                await asyncio.gather(*(self._do(session, limit, task) for task in tasks))
                if not tasks:
                    await asyncio.sleep(LOOK_SECONDS)

    async def _inbox(self, session: aiohttp.ClientSession) -> list[dict[str, Any]]:
        query = {"scope": "region", "limit": str(LISTED)}
        async with session.get(f"{self.tasks_url}/tasks", params=query, headers=self._as(OVERSEER)) as response:
            response.raise_for_status()
            tasks: list[dict[str, Any]] = (await response.json())["tasks"]
            return tasks

    async def _do(self, session: aiohttp.ClientSession, limit: asyncio.Semaphore, task: dict[str, Any]) -> None:
        person = task["claimed_by"] or (task["assignee"] if task["assignee"] in self.tokens else OVERSEER)
        headers = self._as(person)
        async with limit:
            async with session.post(f"{self.tasks_url}/tasks/{task['id']}/claim", headers=headers) as response:
                if not response.ok:
                    self.refused += 1
                    return
            async with session.get(f"{self.reviews_url}{task['link']}", headers=headers) as response:
                response.raise_for_status()
                facts = (await response.json())["facts"]
            outcome, reason = OUTCOMES[staff_outcome(facts["profession"], facts["dependants"])]
            decision = {"outcome": outcome, "reason": reason}
            async with session.post(f"{self.tasks_url}/tasks/{task['id']}/complete", headers=headers, json=decision) as response:
                response.raise_for_status()
            self.completed += 1

    def _as(self, person: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.tokens[person]}"}
