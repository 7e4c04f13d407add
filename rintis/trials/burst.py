"""April 2020 once more: a country's registrations in one minute, by HTTP and by Kafka at once.

Nothing that was accepted may be missing; who cannot be served now is told to come back, and is served when they do.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import aiohttp

from rintis.bench.latency import percentiles
from rintis.bench.loads import SEPARATOR, Load, OfRintis
from rintis.bench.measuring import WARM_UP, Run, running
from rintis.bench.people import People
from rintis.bench.reconciling import Expected, Reconciled, audit, weigh
from rintis.bench.rintis_system import RintisSystem, Setup
from rintis.bench.run import SEATS_SHARE
from rintis.runtime.progress import Steps
from rintis.runtime.state import State

CALLS_AT_ONCE = 32
"""Calls that outside systems have under way: four times what the door works on."""
CALL_SECONDS = 60.0
PAUSE_SECONDS = 0.5
"""Before a call is made again that got no answer."""
LONGEST_RETRY_AFTER = 30.0
PAGE_EVERY_SECONDS = 1.0
PAGE_SECONDS = 10.0
"""A page that takes longer than this has not answered."""
USABLE_SECONDS = 3.0
"""Nineteen of twenty looks at the live page must be answered within this: a person waits, and does not give up (our assumption)."""
USABLE_SHARE = 0.95


@dataclass(frozen=True, slots=True)
class Options:
    """How large: `count` in `seconds`, of which `http_share` by HTTP in calls of `items`; whether callers wait for verdicts."""

    count: int = 80_000
    seconds: float = 60.0
    http_share: float = 0.5
    items: int = 1_000
    seed: int = 1
    waits_for_verdicts: bool = False


@dataclass
class Door:
    """What became of the calls. `waits` are the seconds from when a call was due until it was accepted."""

    answers: Counter[str] = field(default_factory=Counter)
    waits: list[float] = field(default_factory=list)
    accepted_items: int = 0


@dataclass
class Page:
    """How the live page answered, in seconds; what did not answer counts as the longest."""

    looks: list[float] = field(default_factory=list)
    failed: int = 0

    @property
    def is_usable(self) -> bool:
        """Whether a person could watch."""
        quick = sum(look <= USABLE_SECONDS for look in self.looks)
        return bool(self.looks) and quick >= USABLE_SHARE * len(self.looks)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was found. Seconds count from the first publish."""

    count: int
    by_http: int
    accepted_seconds: float
    drained_seconds: float
    http_answers: Mapping[str, int]
    http_wait_ms: Mapping[str, float]
    page_ms: Mapping[str, float]
    page_failed: int
    is_page_usable: bool
    is_settled: bool
    reconciled: Reconciled

    @property
    def is_good(self) -> bool:
        """Whether all is there, once, every refusal was honest, and the page could be used."""
        dishonest = set(self.http_answers) - {"202", "503"}
        return self.is_settled and self.reconciled.is_clean and self.is_page_usable and not dishonest

    def as_dict(self) -> dict[str, Any]:
        """Return it for JSON."""
        return {**asdict(self), "is_good": self.is_good}


async def play(state: State, options: Options, steps: Steps) -> Verdict:
    """Play it in a folder that the caller holds. Everything that was started is stopped again."""
    by_http = round(options.count * options.http_share)
    by_kafka = options.count - by_http
    people = People(options.seed).take(WARM_UP + options.count)
    system = RintisSystem(state, Setup(round(options.count * SEATS_SHARE)), steps)
    with steps.step(f"Writing down {options.count:,} registrations"):
        kafka = Load(state.folder / "kafka.tsv", is_kept=False).write(OfRintis(), islice(people, WARM_UP + by_kafka))
        http = Load(state.folder / "http.tsv", is_kept=False).write(OfRintis(), people)
    async with running(system, kafka, steps) as run:
        return await _play(system, run, (kafka, http), options, steps)


async def _play(system: RintisSystem, run: Run, loads: tuple[Load, Load], options: Options, steps: Steps) -> Verdict:
    kafka, http = loads
    door, page, by_kafka = Door(), Page(), kafka.count - WARM_UP
    calls = read_calls(http.path, options.items)
    began = time.time()
    watching = asyncio.create_task(watch(system.stack.urls["console"], page))
    try:
        with steps.step(f"{options.count:,} registrations in {options.seconds:.0f} s by both doors"):
            await asyncio.gather(
                run.feeder.publish(by_kafka, by_kafka / options.seconds),
                call_all(system, calls, door, options),
            )
        accepted = time.time()
        run.feeder.published += http.count
        with steps.step("Waiting until everything is worked off") as say:
            is_settled = await run.settle(lambda pulse: say(f"{pulse:,} messages written"))
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
    drained = (await system.last_done_at()).timestamp()
    with steps.step("rintis audit"):
        counts = {name: value for row in await system.count() for name, value in row.items() if not isinstance(value, bool)}
        expected = Expected(kafka.count + http.count, len(kafka.bad) + len(http.bad), len(kafka.repeats) + len(http.repeats))
        reconciled = weigh(expected, counts, await audit(system.stack))
    return Verdict(
        count=options.count,
        by_http=http.count,
        accepted_seconds=round(accepted - began, 1),
        drained_seconds=round(drained - began, 1),
        http_answers=dict(door.answers),
        http_wait_ms=percentiles(door.waits),
        page_ms=percentiles(page.looks),
        page_failed=page.failed,
        is_page_usable=page.is_usable,
        is_settled=is_settled,
        reconciled=reconciled,
    )


def read_calls(path: Path, items: int) -> list[tuple[str, list[dict[str, Any]]]]:
    """Return a file's registrations as calls, each of one publisher, in the order in which they are full. Pure but for the file."""
    filling: dict[str, list[dict[str, Any]]] = {}
    calls = []
    for line in path.read_bytes().splitlines():
        topic, _, _, _, value = line.split(SEPARATOR)
        publisher = topic.decode().rsplit(".", 1)[-1]
        filling.setdefault(publisher, []).append(json.loads(value))
        if len(filling[publisher]) == items:
            calls.append((publisher, filling.pop(publisher)))
    return [*calls, *filling.items()]


async def call_all(system: RintisSystem, calls: Sequence[tuple[str, list[dict[str, Any]]]], door: Door, options: Options) -> None:
    """Make every call when it is due, spread over the options' seconds, until it is accepted."""
    preference = {} if options.waits_for_verdicts else {"Prefer": "respond-async"}
    began, slots = time.monotonic(), asyncio.Semaphore(CALLS_AT_ONCE)
    address, tokens = f"{system.stack.urls['registration']}/registrations/batch", system.stack.secrets.tokens
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=CALL_SECONDS)) as client, asyncio.TaskGroup() as group:
        for number, (publisher, items) in enumerate(calls):
            due = began + number * options.seconds / len(calls)
            await asyncio.sleep(due - time.monotonic())
            headers = {"Authorization": f"Bearer {tokens[publisher]}", "Idempotency-Key": f"burst-{number}", **preference}
            group.create_task(_call(client, slots, address, headers, items, door, due))


async def _call(
    client: aiohttp.ClientSession,
    slots: asyncio.Semaphore,
    address: str,
    headers: Mapping[str, str],
    items: Sequence[dict[str, Any]],
    door: Door,
    due: float,
) -> None:
    while True:
        pause = PAUSE_SECONDS
        async with slots:
            try:
                async with client.post(address, json={"items": items}, headers=headers) as answer:
                    status, asked = answer.status, answer.headers.get("Retry-After")
                    await answer.read()
            except (aiohttp.ClientError, OSError) as error:  # a TimeoutError is one too
                door.answers[type(error).__name__] += 1
            else:
                door.answers[str(status) if status != 503 or asked else "503 without Retry-After"] += 1
                if status == 202:
                    door.waits.append(time.monotonic() - due)
                    door.accepted_items += len(items)
                    return
                pause = min(LONGEST_RETRY_AFTER, float(asked or PAUSE_SECONDS))
        await asyncio.sleep(pause)


async def watch(console: str, page: Page) -> None:
    """Look at the live page's numbers again and again, as an open page does."""
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=PAGE_SECONDS)) as client:
        while True:
            began = time.monotonic()
            try:
                async with client.get(f"{console}/api/overview") as answer:
                    told = json.loads(await answer.read())
                if answer.status != 200 or not all(told.values()):
                    page.failed += 1
                page.looks.append(time.monotonic() - began)
            except (aiohttp.ClientError, OSError):
                page.failed += 1
                page.looks.append(PAGE_SECONDS)
            await asyncio.sleep(PAGE_EVERY_SECONDS)
