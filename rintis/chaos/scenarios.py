"""Damage that no system can heal by itself: it must stop and name it, and not guess over it."""

from __future__ import annotations

import asyncio
import shutil
import struct
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from rintis.chaos.load import Load
from rintis.chaos.run import loaded
from rintis.chaos.stage import Stage
from rintis.chaos.volumes import unmount_below
from rintis.runtime.databases import SERVICES
from rintis.runtime.progress import Steps
from rintis.runtime.stack import clear
from rintis.runtime.state import State

BATCH_HEADER = struct.Struct(">qi")
"""A record batch in Kafka's log begins with its first offset and the number of bytes that follow."""
CUT_TOPIC = "registration.workers"
CUT_HEARERS = ("eligibility", "notification")
"""Both have read what is cut off."""
CUT_SHARE = 0.2
"""Of the batches in each partition's newest segment: what a power cut takes from a node that writes to disk now and then."""
WORK_SECONDS = 10.0
"""Load before the damage."""
NAMED_SECONDS = 120.0
"""Longest wait until every service concerned has stopped and said why."""
LOOK_SECONDS = 0.5


class Scenario(StrEnum):
    """What is damaged."""

    LOG_TAIL = "log-tail"
    """The newest records of a topic are gone from Kafka's log."""
    RESTORED = "restored"
    """The databases are as they were some time ago."""


EXPECTED: Mapping[Scenario, tuple[tuple[str, ...], tuple[str, ...]]] = {
    Scenario.LOG_TAIL: (CUT_HEARERS, ("tail was lost",)),
    Scenario.RESTORED: (SERVICES, ("went back in time", "tail was lost", "restored")),
}
"""Which services must stop, and one of what words they must say."""


@dataclass
class Outcome:
    """What was damaged, and what each service concerned said of it."""

    scenario: Scenario
    damage: str = ""
    seconds: float = 0.0
    named: dict[str, str] = field(default_factory=dict)

    @property
    def is_good(self) -> bool:
        """Whether every service concerned has stopped and named the damage."""
        return set(EXPECTED[self.scenario][0]) <= set(self.named)

    def as_dict(self) -> dict[str, Any]:
        """Return it for JSON."""
        return {
            "scenario": self.scenario.value,
            "damage": self.damage,
            "seconds": round(self.seconds, 1),
            "named": self.named,
            "not_named": sorted(set(EXPECTED[self.scenario][0]) - set(self.named)),
        }


async def play_scenario(
    state: State, scenario: Scenario, steps: Steps, *, per_second: float, seed: int, age_seconds: float = 60.0
) -> Outcome:
    """Do the damage under load, in a state folder that the caller holds; `age_seconds` is how old a restored database is."""
    unmount_below(state.folder)
    clear(state)
    stage, outcome = Stage(state), Outcome(scenario)
    try:
        with steps.step("Starting Kafka, PostgreSQL, simulators and eight services behind proxies"):
            await stage.up()
        load = Load(stage, seed=seed, per_second=per_second, folder=state.folder / "load")
        with steps.step("Working, then the damage"):
            # The load ends first: what it would publish to a system that has stopped is never acknowledged.
            async with loaded(load, steps):
                await asyncio.sleep(WORK_SECONDS)
                if scenario is Scenario.RESTORED:
                    await back_up(stage)
                    await asyncio.sleep(age_seconds)
            outcome.damage = await (cut_tail(stage) if scenario is Scenario.LOG_TAIL else restore(stage))
        with steps.step("Waiting for every service concerned to stop and say why"):
            await wait_until_named(stage, outcome)
    finally:
        with steps.step("Stopping everything"):
            await stage.down()
    return outcome


async def cut_tail(stage: Stage) -> str:
    """Kill the broker, cut the newest batches off every partition of one topic, and start it again."""
    await asyncio.to_thread(stage.kafka.kill)
    cut = 0
    for folder in sorted(stage.kafka.data.glob(f"{CUT_TOPIC}-*")):
        cut += cut_segment(max(folder.glob("*.log")))
    await asyncio.to_thread(stage.kafka.up)
    return f"{cut} batches cut off {CUT_TOPIC}"


def cut_segment(path: Path) -> int:
    """Cut the newest batches off a segment of a log and return how many: one at least where there is one."""
    content, starts, at = path.read_bytes(), [], 0
    while at + BATCH_HEADER.size <= len(content):
        _, length = BATCH_HEADER.unpack_from(content, at)
        if length <= 0:
            break
        starts.append(at)
        at += BATCH_HEADER.size + length
    count = min(len(starts), 1 + int(len(starts) * CUT_SHARE))
    if count:
        with path.open("r+b") as log:
            log.truncate(starts[-count])
    return count


async def back_up(stage: Stage) -> None:
    """Keep all databases as they are now."""
    await asyncio.to_thread(stage.postgres.down)
    await asyncio.to_thread(_copy, stage.postgres.data, _backup(stage))
    await asyncio.to_thread(stage.postgres.up)


async def restore(stage: Stage) -> str:
    """Put all databases back to what was kept."""
    await asyncio.to_thread(stage.postgres.stop_at_once)
    shutil.rmtree(stage.postgres.data)
    await asyncio.to_thread(_copy, _backup(stage), stage.postgres.data)
    await asyncio.to_thread(stage.postgres.up)
    return "all databases put back to an earlier copy"


async def wait_until_named(stage: Stage, outcome: Outcome) -> None:
    """Return once every service concerned has ended with the right reason, or the time for it is over."""
    began = time.monotonic()
    _, words = EXPECTED[outcome.scenario]
    while time.monotonic() < began + NAMED_SECONDS and not outcome.is_good:
        for ended in stage.ended:
            if any(word in ended.reason for word in words):
                outcome.named.setdefault(stage.slots[ended.slot].service, ended.reason)
        await asyncio.sleep(LOOK_SECONDS)
    outcome.seconds = time.monotonic() - began


def _backup(stage: Stage) -> Path:
    return stage.postgres.data.with_name("backup")


def _copy(source: Path, target: Path) -> None:
    # `cp -a` keeps owner and mode, which the server insists on.
    subprocess.run(["cp", "-a", str(source), str(target)], check=True)  # noqa: S603, S607 - every system has it
