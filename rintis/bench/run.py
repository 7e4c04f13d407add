"""Runs the bench: interleaved rounds of Rintis and the floor, then what else was asked for."""

from __future__ import annotations

import asyncio
import subprocess
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from statistics import median

from rintis.bench.figures import Outcome
from rintis.bench.floor_system import FloorSystem
from rintis.bench.growth import Paced, summarise
from rintis.bench.latency import LONES, alone, plan, under_load
from rintis.bench.loads import Load
from rintis.bench.measuring import WARM_UP, Measure, Run, running
from rintis.bench.people import People
from rintis.bench.profiling import profiling
from rintis.bench.reconciling import audit, reconcile
from rintis.bench.rintis_system import RintisSystem, Setup
from rintis.bench.sending import send_all
from rintis.bench.systems import COMMIT_TIMES, System
from rintis.runtime.databases import SERVICES
from rintis.runtime.progress import Steps
from rintis.runtime.stack import clear
from rintis.runtime.state import ROOT, State

SEATS_SHARE = 0.65
"""Seats for two of three registrations: nobody is turned away while the incubators of others are empty, and some are."""

Hook = Callable[[RintisSystem], Awaitable[None]]


@dataclass(frozen=True)
class Options:
    """What to measure. `after_rest` is called when everything is worked off and before it is counted: tests break things there."""

    count: int
    rounds: int = 1
    seed: int = 1
    loads: tuple[int, ...] = ()
    grow: int = 0
    profiler: str = ""
    systems: tuple[str, ...] = ("rintis", "floor")
    processes: Mapping[str, int] = field(default_factory=dict)
    is_sending: bool = True
    warm_up: int = WARM_UP
    after_rest: Hook | None = None


class Bench:
    """One run of the bench in a folder of its own, which the caller holds."""

    def __init__(self, state: State, options: Options, steps: Steps) -> None:
        self._state = state
        self._options = options
        self._steps = steps
        self.outcome = Outcome(options.count, options.seed, at=time.time(), commit=_commit())

    async def run(self) -> Outcome:
        """Measure."""
        options = self._options
        for number in range(1, options.rounds + 1):
            for name in options.systems:
                with self._system(name, options.count + options.warm_up) as system:
                    await self._round(system, number)
        if options.profiler:
            await self._profile(options.profiler)
        if options.grow:
            await self._grow(options.grow)
        if options.loads:
            for name in options.systems:
                await self._latency(name)
        return self.outcome

    async def _round(self, system: System, number: int) -> None:
        options = self._options
        load = await self._load(system, options.count + options.warm_up)
        async with running(system, load, self._steps, warm_up=options.warm_up) as run:
            title = f"{system.name}: round {number} of {options.rounds}, {options.count:,} registrations"
            with self._steps.step(title) as say:
                measure = await run.measure(options.count, lambda pulse: say(f"{pulse:,} written"))
            self._steps.note(f"  {measure.per_second:,.0f} registrations/s, {_cpu(measure):.3f} CPU seconds per 1,000")
            if isinstance(system, RintisSystem):
                self.outcome.ours.append(measure)
                await self._finish(system, run, load, is_last=number == options.rounds)
            else:
                self.outcome.floor.append(measure)

    async def _finish(self, system: RintisSystem, run: Run, load: Load, *, is_last: bool) -> None:
        """Send what is to be sent, once a run, and see that everything is there."""
        if self._options.after_rest is not None:
            await self._options.after_rest(system)
        if self._options.is_sending and is_last:
            with self._steps.step("rintis: sending the messages"):
                self.outcome.sending = await send_all(system)
            self._steps.note(f"  {self.outcome.sending.get('per_s', 0):,.0f} messages/s by one sender process")
        with self._steps.step("rintis audit"):
            reconciled = await reconcile(system, load, run.feeder.published)
        self.outcome.reconciled.append(reconciled)
        if not reconciled.is_clean:
            self._steps.note(f"[red]Not everything is there, once:[/red] {reconciled}")

    async def _profile(self, program: str) -> None:
        """Draw flame graphs of the services in a round of its own, whose rate does not count."""
        count, folder = self._options.count, self._state.folder / "profiles"
        with self._empty(RintisSystem.name) as state:
            system = self._rintis(state, count + WARM_UP, {})
            load = await self._load(system, count + WARM_UP)
            async with running(system, load, self._steps) as run:
                with (
                    self._steps.step(f"rintis: {count:,} registrations under py-spy"),
                    profiling(program, system.processes(), SERVICES, folder, self._steps) as files,
                ):
                    await run.measure(count)
        self.outcome.profiles = [str(file) for file in files if file.exists()]

    async def _grow(self, count: int) -> None:
        """Let one system grow, and see what that does to it."""
        with self._empty(RintisSystem.name) as state:
            system = self._rintis(state, count + WARM_UP, {})
            load = await self._load(system, count + WARM_UP)
            async with running(system, load, self._steps) as run:
                with self._steps.step(f"rintis: {count:,} registrations, one after the other") as say:
                    paced = Paced(run, count, say)
                    measure = await run.measure_while(count, paced.publish, paced.settle)
                with self._steps.step("rintis audit"):
                    reconciled = await reconcile(system, load, run.feeder.published)
                with self._steps.step("rintis audit --whole"):
                    whole = await audit(system.stack, "--whole")
        took = {"audit": reconciled.audit, "audit_whole": whole}
        audits = {name: verdict["took_seconds"] for name, verdict in took.items() if "took_seconds" in verdict}
        self.outcome.reconciled.append(reconciled)
        self.outcome.grown = measure
        self.outcome.growth = summarise(paced.done(measure.ended), count, measure.samples, SERVICES, audits)

    async def _latency(self, name: str) -> None:
        """Measure one system at parts of the top rate that it reached just now."""
        rounds, lag = (
            (self.outcome.floor, self.outcome.floor_latency)
            if name == FloorSystem.name
            else (self.outcome.ours, self.outcome.latency)
        )
        paces = plan(self._options.loads, median(one.per_second for one in rounds))
        count = WARM_UP + LONES + sum(pace.count for pace in paces)
        with self._system(name, count, postgres_settings=COMMIT_TIMES) as system:
            load = await self._load(system, count)
            async with running(system, load, self._steps) as run:
                with self._steps.step(f"{name}: at rest"):
                    lag.idle = await run.idle()
                self._steps.note(f"  {sum(lag.idle.values()):.2f} cores")
                with self._steps.step(f"{name}: {LONES} registrations one at a time"):
                    lag.lone = await alone(run, load)
                for pace in paces:
                    with self._steps.step(f"{name}: {pace.per_second:,.0f} registrations/s, {pace.percent} % of the top rate"):
                        found = await under_load(run, load, pace)
                    lag.by_load[str(pace.percent)] = found
                    self._steps.note(f"  p50 {found.get('p50')} ms, p99 {found.get('p99')} ms")

    async def _load(self, system: System, count: int) -> Load:
        with self._steps.step(f"{system.name}: writing down {count:,} registrations"):
            load = Load(system.state.folder / "load.tsv", is_kept=bool(self._options.loads))
            return await asyncio.to_thread(load.write, system.form, People(self._options.seed).take(count))

    @contextmanager
    def _system(self, name: str, count: int, *, postgres_settings: Mapping[str, str] | None = None) -> Iterator[System]:
        """Make a system in an empty folder of its own, and leave nothing of it running."""
        with self._empty(name) as state:
            if name == FloorSystem.name:
                yield FloorSystem(state, round(count * SEATS_SHARE), self._steps, postgres_settings=postgres_settings)
            else:
                yield self._rintis(state, count, postgres_settings or {})

    def _rintis(self, state: State, count: int, postgres_settings: Mapping[str, str]) -> RintisSystem:
        setup = Setup(round(count * SEATS_SHARE), self._options.processes, postgres_settings)
        return RintisSystem(state, setup, self._steps)

    @contextmanager
    def _empty(self, name: str) -> Iterator[State]:
        state = State(self._state.folder / name)
        with state.hold():
            clear(state)
            try:
                yield state
            finally:
                state.end_leftovers()


def _cpu(measure: Measure) -> float:
    return sum(measure.cpu.values()) * 1000 / measure.count


def _commit() -> str:
    """Return which state of the code was measured, empty outside a checkout."""
    command = ("git", "-C", str(ROOT), "describe", "--always", "--dirty")
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()  # noqa: S603 - our own command line
    except FileNotFoundError:
        return ""
