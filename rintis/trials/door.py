"""The HTTP door beside a bare endpoint that validates the same bodies and inserts them by the same library, in one run."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import islice
from statistics import median
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import asyncpg

from rintis.bench.latency import percentiles
from rintis.bench.people import People
from rintis.runtime.databases import near_url
from rintis.runtime.errors import CannotStart
from rintis.runtime.ports import free_port
from rintis.runtime.processes import Process, Program, Supervisor
from rintis.runtime.progress import Steps
from rintis.runtime.stack import Options as StackOptions
from rintis.runtime.stack import Stack
from rintis.runtime.state import State
from shared.storage.sql import load_queries

SQL = load_queries("rintis.trials")
PUBLISHER = "kemnaker"
OURS, BARE = "ours", "bare"
MANY, DECIDED, ONE = "batches", "batches_with_verdicts", "singles"
"""Calls with many that are kept to be decided afterwards, as their publisher prefers; the same with verdicts; calls with one, decided."""
BESIDE = {MANY: MANY, DECIDED: MANY, ONE: ONE}
"""What of the bare endpoint, which decides nothing, each is put beside."""
GOALS = {MANY: 0.5, ONE: 0.1}
"""Least share of the bare endpoint's rate."""
PREFERRED = {MANY: {"Prefer": "respond-async"}}
CALL_SECONDS = 60.0
DRAIN_SECONDS = 300.0
"""Longest wait for what was kept to be decided: it would take the machine from whoever is measured next."""
LOOK_SECONDS = 0.2
PAUSE_SECONDS = 0.05
"""Before a call is made again that was turned away without a time to come back, which is counted."""
DATABASE = "rintis_bare_door"


@dataclass(frozen=True, slots=True)
class Options:
    """How large: in each round so many registrations in calls of `items`, and so many one by one, from `clients` at once."""

    rounds: int = 3
    batched: int = 10_000
    items: int = 500
    singles: int = 1_000
    clients: int = 4
    seed: int = 1


@dataclass(frozen=True, slots=True)
class Measured:
    """One measurement: registrations per second, and how long each call took from its first try, in seconds."""

    per_second: float
    calls: Sequence[float]
    answers: Mapping[str, int]


@dataclass
class Verdict:
    """All measurements by what was measured, and the rows that there must be and that there are."""

    options: Options
    measured: dict[tuple[str, str], list[Measured]] = field(default_factory=dict)
    sent: Counter[str] = field(default_factory=Counter)
    stored: Counter[str] = field(default_factory=Counter)

    def rate(self, whose: str, kind: str) -> float:
        """Return the median rate."""
        return median(one.per_second for one in self.measured[whose, kind])

    def ratio(self, kind: str) -> float:
        """Return our share of the bare endpoint's rate."""
        return self.rate(OURS, kind) / self.rate(BARE, BESIDE[kind])

    @property
    def is_good(self) -> bool:
        """Whether both goals are met and every registration that was taken is there."""
        return self.sent == self.stored and all(self.ratio(kind) >= goal for kind, goal in GOALS.items())

    def as_dict(self) -> dict[str, Any]:
        """Return it for JSON."""
        figures: dict[str, Any] = {"options": asdict(self.options)}
        for kind in BESIDE:
            measured = {whose: self._figures(whose, kind) for whose in (OURS, BARE) if (whose, kind) in self.measured}
            figures[kind] = {"ratio": round(self.ratio(kind), 3), "goal": GOALS.get(kind), **measured}
        return {**figures, "sent": dict(self.sent), "stored": dict(self.stored), "is_good": self.is_good}

    def _figures(self, whose: str, kind: str) -> dict[str, Any]:
        runs = self.measured[whose, kind]
        answers: Counter[str] = Counter()
        for run in runs:
            answers.update(run.answers)
        return {
            "per_s": round(self.rate(whose, kind), 1),
            "per_s_range": [round(limit(run.per_second for run in runs), 1) for limit in (min, max)],
            "call_ms": percentiles([call for run in runs for call in run.calls]),
            "answers": dict(answers),
        }


async def play(state: State, options: Options, steps: Steps) -> Verdict:
    """Play it in a folder that the caller holds. Everything that was started is stopped again."""
    stack = Stack(state, StackOptions(services=("registration",), has_simulators=False), steps)
    bare = Supervisor(steps.note)
    try:
        await asyncio.to_thread(stack.start)
        if stack.postgres is None or stack.databases is None:
            raise CannotStart("The trial needs servers of its own.", "Unset DATABASE_URL_*.")
        address = urlsplit(stack.postgres.url)._replace(path=f"/{DATABASE}").geturl()
        admin = await asyncpg.connect(stack.postgres.url)
        await admin.execute(SQL["create_bare"])
        await admin.close()
        port = free_port()
        environment = {**os.environ, "DOOR_DATABASE": near_url(address, stack.postgres.socket_folder), "DOOR_PORT": str(port)}
        process = Process(state, Program("bare-door", "bench.door", port, environment, ready_path=None))
        bare.start(process)
        await asyncio.to_thread(bare.wait_until_ready, lambda _: None)
        ours, theirs = await asyncpg.connect(stack.databases.url("registration", "registration")), await asyncpg.connect(address)
        try:
            addresses = {OURS: stack.urls["registration"], BARE: process.program.url}
            trial = Trial(addresses, stack.secrets.tokens[PUBLISHER], options, steps, ours)
            await trial.run()
            for whose, connection, block in ((OURS, ours, "count_submissions"), (BARE, theirs, "count_bodies")):
                trial.verdict.stored[whose] = await connection.fetchval(SQL[block])
        finally:
            await ours.close()
            await theirs.close()
        return trial.verdict
    finally:
        await asyncio.to_thread(bare.stop)
        await asyncio.to_thread(stack.stop)


class Trial:
    """The measurements, in turn."""

    def __init__(
        self,
        addresses: Mapping[str, str],
        token: str,
        options: Options,
        steps: Steps,
        database: asyncpg.Connection[asyncpg.Record],
    ) -> None:
        self._addresses = addresses
        self._database = database
        self._token = token
        self._options = options
        self._steps = steps
        self._people = (one.data for one in People(options.seed).take(1 << 40) if not (one.is_bad or one.is_repeat))
        self._calls = 0
        self.verdict = Verdict(options)

    async def run(self) -> None:
        """Warm up, then measure each in each round."""
        options = self._options
        for whose in (OURS, BARE):
            for kind, count in ((MANY, options.items), (ONE, options.clients)):
                await self._measure(whose, kind, count)
        await self._drain()
        for number in range(1, options.rounds + 1):
            for kind, count in ((MANY, options.batched), (DECIDED, options.batched), (ONE, options.singles)):
                for whose in (OURS, BARE) if kind == BESIDE[kind] else (OURS,):
                    with self._steps.step(
                        f"Round {number} of {options.rounds}: {whose}, {count:,} registrations in {kind.replace('_', ' ')}"
                    ):
                        measured = await self._measure(whose, kind, count)
                    self._steps.note(f"  {measured.per_second:,.0f} registrations/s")
                    self.verdict.measured.setdefault((whose, kind), []).append(measured)
                    await self._drain()

    async def _drain(self) -> None:
        """Wait until nothing is kept any more that is to be decided. Raises CannotStart where it does not end."""
        deadline = time.monotonic() + DRAIN_SECONDS
        while await self._database.fetchval(SQL["count_deferred"]):
            if time.monotonic() > deadline:
                raise CannotStart("What was kept is not decided.", "See the service's log, action call_waits.")
            await asyncio.sleep(LOOK_SECONDS)

    async def _measure(self, whose: str, kind: str, count: int) -> Measured:
        bodies = iter(self._bodies(kind, count))
        path = "/registrations" if kind == ONE else "/registrations/batch"
        took: list[float] = []
        answers: Counter[str] = Counter()
        timeout = aiohttp.ClientTimeout(total=CALL_SECONDS)
        headers = {"Authorization": f"Bearer {self._token}", **PREFERRED.get(kind, {})}
        async with aiohttp.ClientSession(headers=headers, timeout=timeout) as client:

            async def work() -> None:
                for key, body in bodies:
                    began = time.monotonic()
                    await self._call(client, f"{self._addresses[whose]}{path}", key, body, answers)
                    took.append(time.monotonic() - began)

            began = time.monotonic()
            await asyncio.gather(*(work() for _ in range(self._options.clients)))
            seconds = time.monotonic() - began
        self.verdict.sent[whose] += count
        return Measured(count / seconds, took, answers)

    def _bodies(self, kind: str, count: int) -> list[tuple[str, bytes]]:
        """Return calls with their keys, made before the clock starts."""
        people = list(islice(self._people, count))
        size = 1 if kind == ONE else self._options.items
        return [self._body(people[start : start + size], kind) for start in range(0, count, size)]

    def _body(self, people: Sequence[dict[str, Any]], kind: str) -> tuple[str, bytes]:
        self._calls += 1
        return f"door-{self._calls}", json.dumps(people[0] if kind == ONE else {"items": people}).encode()

    @staticmethod
    async def _call(client: aiohttp.ClientSession, address: str, key: str, body: bytes, answers: Counter[str]) -> None:
        headers = {"Content-Type": "application/json", "Idempotency-Key": key}
        while True:
            async with client.post(address, data=body, headers=headers) as answer:
                told = await answer.read()
                answers[str(answer.status)] += 1
                if answer.status == 202:
                    return
                if answer.status != 503:
                    raise CannotStart(f"The door answered {answer.status}: {told[:200]!r}", "See the service's log.")
                await asyncio.sleep(float(answer.headers.get("Retry-After", PAUSE_SECONDS)))
