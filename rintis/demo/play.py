"""Plays the day: who sends what when, what is waited for, and what is measured."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import psutil

from rintis.demo import companies, population
from rintis.demo.clocked import BEGINS, ENDS, ClockedStack
from rintis.demo.display import show_for_ever
from rintis.demo.load import Publishers
from rintis.demo.manifest import foresee
from rintis.demo.observed import Databases, Rows, Tail, observe, open_databases
from rintis.demo.people import People
from rintis.demo.policy import load_reference
from rintis.demo.reconcile import find_differences
from rintis.demo.report import Report
from rintis.demo.staff import Staff
from rintis.runtime.progress import Steps
from rintis.runtime.state import ROOT, State

LOOK_SECONDS = 0.5
"""Between two looks at what is waited for."""
AUDIT_WAIT_SECONDS = 60
"""How long the audit may wait until nothing is on its way."""
LAST_DUE_ON = companies.DUE_DAYS[-1]


class Play:
    """One run on a started stack."""

    def __init__(self, stack: ClockedStack, steps: Steps) -> None:
        self.stack = stack
        self.steps = steps
        plan = stack.plan
        self.people = population.generate(plan.registrations, plan.seed)
        self.permits = companies.generate(plan.permits, plan.seed)
        self.manifest = foresee(self.people, self.permits, load_reference(ROOT / "policies"), BEGINS.date())
        self.variables = {**stack.variables(), "RINTIS_STATE": str(stack.state.folder)}
        self.measures: dict[str, float] = {}
        self.unfinished: list[str] = []

    async def run(self) -> Report:
        """Send, wait, look, compare."""
        folder = self.stack.state.folder / "demo"
        self.manifest.write(folder / "manifest.json")
        if page := self.stack.urls.get("console"):
            self.steps.note(f"Live page while it runs: {page}")
        self.steps.note(f"What must come of it is written down: {folder / 'manifest.json'}")
        tokens = self.stack.state.read("tokens.json", {})
        publishers = Publishers(self.variables, tokens, folder, self.stack.clock)
        workforce = Staff(self.variables["RINTIS_URL_NOTIFICATION"], self.variables["RINTIS_URL_ELIGIBILITY"], tokens)
        workers = People(self.variables["RINTIS_URL_ELIGIBILITY"], Tail(self.stack.received["sms"]))
        async with open_databases(self.variables) as databases:
            await self._wait_for_morning()
            async with _at_work(
                workforce.work_for_ever(),
                workers.answer_for_ever(),
                show_for_ever(self.steps.console, databases, self.stack.clock),
            ):
                await asyncio.gather(self._play_workers(publishers, databases), self._play_companies(publishers))
                await self._drain(databases)
            seen = await observe(databases, self.stack.received, LAST_DUE_ON)
            audit, is_clean = await self._audit()
        differences = find_differences(self.manifest, seen, workers.replies)
        return Report(self.manifest, seen, differences, audit, is_clean, self.measures, self.unfinished)

    async def _wait_for_morning(self) -> None:
        with self.steps.step(f"Waiting for the morning of {BEGINS:%d %B %Y}"):
            await self._sleep_until(BEGINS)

    async def _play_workers(self, publishers: Publishers, databases: Databases) -> None:
        with self.steps.step(f"Layoff lists: {self.manifest.evidence:,} lines by Kafka and file"):
            await publishers.report_layoffs(self.people.layoffs)
            await self._until("layoff lists are read", lambda: self._has_verdicts(databases, "layoff", self.manifest.evidence))
        first, began, spent = len(self.people.first), time.monotonic(), self._cpu_seconds()
        with self.steps.step(f"Registrations: {first:,} by Kafka, HTTP and file"):
            await publishers.register(self.people.first, "pertama")
            await self._until("registrations have a verdict", lambda: self._has_verdicts(databases, "registration", first))
            await self._until("workers are decided", lambda: self._is_decided(databases))
        seconds = time.monotonic() - began
        self.measures |= {
            "registrations_per_second": first / seconds,
            "seconds": seconds,
            "cpu_seconds_per_1000": (self._cpu_seconds() - spent) / first * 1000,
        }
        everything = len(self.people.registrations)
        with self.steps.step(f"Duplicates: {len(self.people.repeats):,}"):
            await publishers.register(self.people.repeats, "ulang")
            await self._until("duplicates have a verdict", lambda: self._has_verdicts(databases, "registration", everything))

    async def _play_companies(self, publishers: Publishers) -> None:
        await publishers.issue_permits(self.permits)
        await publishers.file_reports(filing for permit in self.permits for filing in permit.filings)

    async def _drain(self, databases: Databases) -> None:
        with self.steps.step(f"Two weeks of reports, until {ENDS:%d %B %Y}"):
            await self._sleep_until(ENDS)
        with self.steps.step("Waiting until everything is done"):
            await self._until("reviews and seat requests are closed", lambda: self._is_placed(databases))
            await self._until("reports and periods are closed", lambda: self._is_supervised(databases))
            await self._until("offers without an answer have expired", lambda: self._has_news(databases))

    async def _sleep_until(self, business: datetime) -> None:
        await asyncio.sleep(max((self.stack.clock.real(business) - datetime.now(UTC)).total_seconds(), 0))

    async def _until(self, what: str, check: Callable[[], Awaitable[bool]]) -> None:
        """Wait for a condition; what does not come in time is part of the report."""
        deadline = time.monotonic() + self.stack.plan.patience_seconds
        while not await check():
            if time.monotonic() > deadline:
                self.unfinished.append(f"waited {self.stack.plan.patience_seconds:.0f} s in vain until {what}")
                return
            await asyncio.sleep(LOOK_SECONDS)

    async def _has_verdicts(self, databases: Databases, kind: str, wanted: int) -> bool:
        rows = await databases.rows("registration", "count_verdicts")
        return bool(sum(row["submissions"] for row in rows if row["kind"] == kind) >= wanted)

    async def _is_decided(self, databases: Databases) -> bool:
        counted = await databases.row("eligibility", "count_decided")
        return bool(counted["decided"] >= self.manifest.verdicts["accepted"])

    async def _is_placed(self, databases: Databases) -> bool:
        counted = await databases.row("eligibility", "count_decided")
        return not counted["reviews"] and not counted["requests"]

    async def _is_supervised(self, databases: Databases) -> bool:
        counted = await databases.row("reporting", "count_overdue", LAST_DUE_ON)
        sent = sum(len(permit.filings) for permit in self.permits)
        return not counted["open"] and not counted["waiting"] and counted["filings"] >= sent

    async def _has_news(self, databases: Databases) -> bool:
        """Return whether every message is settled and nothing is to be handed over."""
        messages = await self._count_messages(databases)
        if any(row["state"] == "waiting" for row in messages):
            return False
        if (await databases.row("eligibility", "count_offers"))["open"]:
            return False
        unfinished = [await databases.row(service, "count_unfinished") for service in databases.services]
        return not any(row["outbox"] or row["gates"] for row in unfinished) and await self._is_told(databases)

    async def _is_told(self, databases: Databases) -> bool:
        """Return whether no message has come in for a moment: the last event may still be on its way in Kafka."""
        before = await self._count_messages(databases)
        await asyncio.sleep(LOOK_SECONDS)
        return before == await self._count_messages(databases)

    async def _count_messages(self, databases: Databases) -> Rows:
        return await databases.rows("notification", "count_messages", LAST_DUE_ON.isoformat())

    def _cpu_seconds(self) -> float:
        """Return what all processes have used so far; PostgreSQL's connections are children of its own."""
        parents = [found for row in self.stack.state.running() if (found := row.find())]
        times = []
        for process in [*parents, *(child for parent in parents for child in parent.children(recursive=True))]:
            with contextlib.suppress(psutil.NoSuchProcess):
                times.append(process.cpu_times())
        return sum(used.user + used.system for used in times)

    async def _audit(self) -> tuple[dict[str, Any], bool]:
        with self.steps.step("rintis audit"):
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "rintis", "audit", "--json", "--wait", str(AUDIT_WAIT_SECONDS)),
                cwd=ROOT,
                env={**os.environ, **self.variables},
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
            )
            output, errors = await process.communicate()
        try:
            return json.loads(output), process.returncode == 0
        except ValueError:
            return {"error": errors.decode(errors="replace")[-500:]}, False


@asynccontextmanager
async def _at_work(*duties: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Let people do their duties until the block ends. A duty that fails ends the demo."""
    tasks = [asyncio.create_task(duty) for duty in duties]
    try:
        yield
        for task in tasks:
            if task.done():
                task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def play_day(state: State, stack: ClockedStack, steps: Steps) -> Report:
    """Start everything from an empty state folder that the caller holds, play, and stop everything."""
    state.create()
    try:
        stack.start()
        return asyncio.run(Play(stack, steps).run())
    finally:
        stack.stop()
