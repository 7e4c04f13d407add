"""One run: a stage, a load, a plan of faults played on them, and the count afterwards."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import aiohttp
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from rintis.chaos.faults import Faults
from rintis.chaos.happened import Happened, by_kind, recoveries_of
from rintis.chaos.judgement import Judgement
from rintis.chaos.load import Load
from rintis.chaos.logs import count_errors
from rintis.chaos.memory import BOUND_MEGABYTES, Memory
from rintis.chaos.oracle import judge, settled
from rintis.chaos.plan import NEEDS_VOLUMES, Fault, Kind, make_plan, plan_outages
from rintis.chaos.sight import AWAY_NOW, Sight
from rintis.chaos.stage import Ended, Stage
from rintis.chaos.volumes import can_mount, unmount_below
from rintis.runtime.errors import CannotStart
from rintis.runtime.progress import Steps
from rintis.runtime.stack import clear
from rintis.runtime.state import State
from rintis.testing.kafka import JAVA_FOR_TESTS

SHORT_FAULTS = 20
"""A longer run earns back what the second compiler of the broker's Java machine costs."""
WARM_SECONDS = 5.0
"""Load before the first fault, so that there is something to disturb."""
OVERLAP_SECONDS = 0.7
"""How long after the one before it an overlapping fault begins."""
RECOVERY_SECONDS = 180.0
"""Longest wait for a recovery, and as long as the fault has lasted; then the next fault comes all the same, and the oracle says what became of it."""
PATIENCE_SECONDS = 20.0
"""Longest pause before the next fault: a recovery that takes longer is measured on, under whatever comes next, so that faults meet a system
that is behind, too, and a run of hundreds ends."""
LOAD_SECONDS = 300.0
"""Longest wait for what the load has drawn to be acknowledged, once every server is up."""
SETTLED_SECONDS = 900.0
"""Longest wait for everything to come to rest: above the lease of a message whose sender was killed and the longest of its pauses, and
enough for what a run of hundreds of faults has left behind."""


@dataclass(frozen=True, slots=True)
class Options:
    """What to play. `seconds` caps the time in which faults begin; `partitions` caps those of each topic."""

    faults: int
    seed: int
    per_second: float
    seconds: float | None = None
    partitions: int | None = None
    members: int = 2
    """Processes of each service, one or two; a third comes and goes."""
    outages: Mapping[str, float] = field(default_factory=dict)
    """Seconds for which a server is away at the run's beginning, by `kafka` and `postgres`, one after the other."""
    settings: Mapping[str, str] = field(default_factory=dict)
    """Variables that every service gets besides its own."""
    first: int = 1
    """Number of the plan's fault to begin with: a long plan is played in parts, and each part is the same whoever plays it when."""


@dataclass
class Run:
    """A run as it went."""

    options: Options
    began: float
    ended: float = 0.0
    happened: list[Happened] = field(default_factory=list)
    processes_ended: list[Ended] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    is_settled: bool = False
    answers: dict[str, int] = field(default_factory=dict)
    memory: Memory | None = None
    quiet: float | None = None
    """What is measured as recovery where there was no fault: the way through the system under this load."""
    judgement: Judgement | None = None
    simulator_errors: int = 0
    """Errors that simulators did not expect, by their logs: what they say they received is then worth nothing."""

    def as_dict(self) -> dict[str, Any]:
        """Return it for JSON, the counts that must be 0 among the first."""
        counts = self.judgement.as_dict() if self.judgement else {}
        return {
            "seed": self.options.seed,
            "first_fault": self.options.first,
            "faults": len(self.happened),
            "per_second": self.options.per_second,
            "processes_per_service": self.options.members,
            "seconds": round(self.ended - self.began, 1),
            **counts,
            "is_settled": self.is_settled,
            "recovery_without_fault_seconds": self.quiet and round(self.quiet, 2),
            "kinds": by_kind(recoveries_of(self.happened)),
            "left_out": self.left_out,
            "simulator_errors": self.simulator_errors,
            "http_answers": self.answers,
            "memory_bound_megabytes": BOUND_MEGABYTES,
            "memory_megabytes": self.memory.as_dict() if self.memory else {},
            "above_memory_bound": self.memory.above_bound() if self.memory else [],
            "ended_by_themselves": [{"slot": e.slot, "code": e.code, "reason": e.reason} for e in self.processes_ended],
        }

    @property
    def is_good(self) -> bool:
        """Whether the counts are all 0, the simulators that they rest on met no error of their own, and memory stayed under its bound."""
        has_room = self.memory is None or not self.memory.above_bound()
        return self.judgement is not None and self.judgement.is_clean and has_room and not self.simulator_errors


async def play(state: State, options: Options, steps: Steps) -> Run:
    """Play one run from a state folder that the caller holds. Everything that was started is stopped again, whatever happens."""
    unmount_below(state.folder)
    clear(state)
    has_volumes = can_mount()
    without = () if has_volumes else NEEDS_VOLUMES
    stage = Stage(
        state,
        has_volumes=has_volumes,
        partitions=options.partitions,
        members=options.members,
        java=() if options.faults > SHORT_FAULTS else JAVA_FOR_TESTS,
        settings=options.settings,
    )
    run = Run(options, time.time(), left_out=[kind.value for kind in without])
    if without:
        steps.note("Full disks are left out: this user may not mount a file system to fill.")
    plan = plan_for(options, stage.usual(), without=without)
    memory = Memory(stage)
    sight = Sight(stage.bootstrap, stage.databases)
    try:
        with steps.step("Starting Kafka, PostgreSQL, simulators and services behind proxies"):
            await stage.up()
        load = Load(stage, seed=options.seed, per_second=options.per_second, folder=state.folder / "load")
        async with memory.watched(), loaded(load, steps):
            await asyncio.sleep(WARM_SECONDS)
            run.quiet = await sight.recovery(time.monotonic(), RECOVERY_SECONDS)
            await Player(stage, sight, run, steps).play(plan)
        run.answers = dict(load.answers)
        with steps.step("Waiting until nothing moves any more"):
            run.is_settled = await settled(stage, SETTLED_SECONDS)
        with steps.step("Counting: what was sent against topics, tables and what people received"):
            run.judgement = await judge(stage, state.folder / "load")
    finally:
        run.ended = time.time()
        run.memory = memory
        run.processes_ended = stage.ended
        await sight.close()
        with steps.step("Stopping everything"):
            await stage.down()
        run.simulator_errors = count_errors(state.logs / f"{name}.log" for name in stage.received)
    return run


def plan_for(options: Options, slots: Sequence[str], *, without: Collection[Kind] = ()) -> list[Fault]:
    """Return what a run plays: outages, then the seed's faults from the first wanted on, numbered as in the whole plan."""
    drawn = make_plan(options.seed, options.faults, slots, without=without)
    return [*plan_outages(options.outages), *drawn[options.first - 1 :]]


@contextlib.asynccontextmanager
async def loaded(load: Load, steps: Steps) -> AsyncIterator[None]:
    """Publish while the block runs; afterwards wait until all that was drawn is acknowledged."""
    until = asyncio.Event()
    task = asyncio.create_task(load.run(until))
    try:
        yield
        until.set()
        with steps.step("Waiting for the last acknowledgements"):
            await asyncio.wait_for(asyncio.shield(task), LOAD_SECONDS)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


class Player:
    """Plays a plan on a stage under load."""

    def __init__(self, stage: Stage, sight: Sight, run: Run, steps: Steps) -> None:
        self._stage = stage
        self._sight = sight
        self._run = run
        self._steps = steps
        self._faults = Faults(stage, sight)
        self._measured: list[asyncio.Task[Happened]] = []

    async def play(self, plan: Sequence[Fault]) -> None:
        """Play fault after fault, overlapping ones together, and wait for every recovery."""
        try:
            await self._play(plan)
            self._run.happened += sorted(await asyncio.gather(*self._measured), key=lambda one: one.began)
        finally:
            for measured in self._measured:
                measured.cancel()
            await asyncio.gather(*self._measured, return_exceptions=True)

    async def _play(self, plan: Sequence[Fault]) -> None:
        end = time.monotonic() + self._run.options.seconds if self._run.options.seconds else None
        with self._progress(len(plan)) as advance:
            for together in in_steps(plan):
                if end is not None and time.monotonic() > end:
                    self._steps.note(f"The time is over: {len(self._measured)} of {len(plan)} faults were played.")
                    return
                advance(" and ".join(map(str, together)), 0)
                await asyncio.gather(*(self._one(fault, number * OVERLAP_SECONDS) for number, fault in enumerate(together)))
                advance("", len(together))
                await asyncio.gather(asyncio.to_thread(self._stage.kafka.up), asyncio.to_thread(self._stage.postgres.up))
                await asyncio.sleep(together[-1].rest)

    async def _one(self, fault: Fault, pause: float) -> None:
        """Play one fault and wait a while for the recovery from it."""
        await asyncio.sleep(pause)
        began = time.time()
        try:
            note = await self._faults.act(fault)
        except (CannotStart, aiohttp.ClientError, *AWAY_NOW) as error:
            note = f"could not be played to its end: {type(error).__name__}: {error}"
        measured = asyncio.create_task(self._measure(Happened(fault, began, time.time(), None, note), time.monotonic()))
        self._measured.append(measured)
        await asyncio.wait({measured}, timeout=PATIENCE_SECONDS)

    async def _measure(self, happened: Happened, moment: float) -> Happened:
        fault = happened.fault
        recovery = await self._sight.recovery(moment, RECOVERY_SECONDS + fault.seconds, self._faults.channels(fault))
        said = "not recovered" if recovery is None else f"recovered in {recovery:.1f} s"
        self._steps.note(f"{fault.number:>4}  {fault}: {happened.note + ', ' if happened.note else ''}{said}")
        return replace(happened, recovery=recovery)

    @contextmanager
    def _progress(self, total: int) -> Iterator[Callable[[str, int], None]]:
        columns = (TextColumn("faults"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("{task.description}"))
        with Progress(*columns, console=self._steps.console, transient=True) as progress:
            task = progress.add_task("", total=total)
            yield lambda text, count: progress.update(task, description=text, advance=count)


def in_steps(plan: Sequence[Fault]) -> list[list[Fault]]:
    """Return faults that are played together, in order."""
    groups: list[list[Fault]] = []
    for fault in plan:
        if fault.overlaps and groups:
            groups[-1].append(fault)
        else:
            groups.append([fault])
    return groups
