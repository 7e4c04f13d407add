"""One started system, fed and watched: how long it takes, what it uses."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from rintis.bench.feeder import Feeder, Published, feeding
from rintis.bench.loads import Load
from rintis.bench.sampling import POSTGRES, Sample, Sampler
from rintis.bench.systems import System
from rintis.runtime.progress import Steps

WARM_UP = 1_000
"""Registrations before the clock starts: connections are open, statements prepared, Kafka's Java compiled."""
LOOK_SECONDS = 0.1
"""Between two looks at one sequence: a thousandth of a core, and no row is touched."""
STILL_LOOKS = 5
"""After so many looks without a change everything is counted once, which costs more."""
PATIENCE_SECONDS = 60.0
"""Without any change for so long, what is not there is lost or stuck."""
STATISTICS_SECONDS = 1.5
"""Until PostgreSQL's processes have handed in what they counted: once a second."""
IDLE_SECONDS = 5.0
"""In which a system at rest is looked at: longer than any of its polls."""
GENERATOR = "generator"


@dataclass(frozen=True, slots=True)
class Measure:
    """What one run over `count` registrations took. Times are seconds since the epoch, CPU seconds and bytes are totals."""

    count: int
    began: float
    ended: float
    is_settled: bool
    cpu: Mapping[str, float]
    memory: Mapping[str, int]
    commits: int
    journal_bytes: int
    log_bytes: int
    samples: Sequence[Sample] = ()

    @property
    def seconds(self) -> float:
        """From the first publish to the last row."""
        return self.ended - self.began

    @property
    def per_second(self) -> float:
        """The rate."""
        return self.count / self.seconds


class Run:
    """A system that runs, with a generator."""

    def __init__(self, system: System, feeder: Feeder) -> None:
        self.system = system
        self.feeder = feeder

    async def warm_up(self, count: int = WARM_UP) -> None:
        """Let a first set through, then bring the servers to rest."""
        await self.feeder.publish(count)
        await self.settle()
        await self.system.tidy()

    async def settle(self, watch: Callable[[int], None] | None = None) -> bool:
        """Return once everything that was published is worked off; False where nothing moves any more before it is.

        `watch` is called with the pulse whenever it has moved.
        """
        last, since, still = -1, time.monotonic(), 0
        while True:
            if (now := await self.system.pulse()) != last:
                last, since, still = now, time.monotonic(), 0
                if watch:
                    watch(now)
            else:
                still += 1
            if still and still % STILL_LOOKS == 0 and await self.system.is_settled(self.feeder.published):
                return True
            if time.monotonic() - since > PATIENCE_SECONDS:
                return False
            await asyncio.sleep(LOOK_SECONDS)

    async def idle(self) -> dict[str, float]:
        """Return how much of a core each process uses while nothing comes in."""
        sampler = Sampler(self.system.processes())
        await asyncio.to_thread(sampler.look)
        await asyncio.sleep(IDLE_SECONDS)
        await asyncio.to_thread(sampler.look)
        first, last = sampler.samples
        return {name: used / (last.at - first.at) for name, used in sampler.used(first.at, last.at).items()}

    async def measure(self, count: int, watch: Callable[[int], None] | None = None) -> Measure:
        """Publish so many registrations as fast as the broker takes them, and measure until the last row."""
        return await self.measure_while(count, lambda: self.feeder.publish(count), lambda: self.settle(watch))

    async def measure_while(
        self, count: int, publish: Callable[[], Awaitable[Published]], settle: Callable[[], Awaitable[bool]]
    ) -> Measure:
        """Measure from the first publish to the last row."""
        system = self.system
        looks, (commits, journal), logs = system.looks, await system.server_counts(), system.log_bytes()
        sampler = Sampler({**system.processes(), GENERATOR: self.feeder.pid})
        await asyncio.to_thread(sampler.start)
        try:
            published = await publish()
            is_settled = await settle()
        finally:
            await asyncio.to_thread(sampler.stop)
        memory = {**sampler.peaks(), POSTGRES: await asyncio.to_thread(sampler.memory_of_postgres)}
        ended = (await system.last_done_at()).timestamp()
        await asyncio.sleep(STATISTICS_SECONDS)
        now = await system.server_counts()
        return Measure(
            count,
            published.began,
            ended,
            is_settled,
            sampler.used(published.began, ended),
            memory,
            # Our own looks are transactions too.
            commits=now[0] - commits - (system.looks - looks),
            journal_bytes=now[1] - journal,
            log_bytes=system.log_bytes() - logs,
            samples=sampler.samples,
        )


@asynccontextmanager
async def running(system: System, load: Load, steps: Steps, *, warm_up: int = WARM_UP) -> AsyncIterator[Run]:
    """Start a system and a generator with its load, warm both up, and stop them at the end."""
    try:
        await asyncio.to_thread(system.up)
        await system.open()
        async with feeding(load, system.bootstrap, system.clock) as feeder:
            run = Run(system, feeder)
            with steps.step(f"{system.name}: warming up with {warm_up:,} registrations"):
                await run.warm_up(warm_up)
            yield run
    finally:
        await system.close()
        await asyncio.to_thread(system.down)
