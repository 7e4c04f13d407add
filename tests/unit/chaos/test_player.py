from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any, cast

import pytest

from rintis.chaos import run as running
from rintis.chaos.plan import Fault, Kind
from rintis.chaos.run import Options, Player, Run
from rintis.runtime.progress import Steps

FAULT = Fault(1, Kind.KILL_SERVICE, 0.0, slot="eligibility-1")


@dataclass
class Kills:
    """A stage that counts the kills of its one process."""

    count: int = 0

    def __post_init__(self) -> None:
        server = SimpleNamespace(up=lambda: None)
        self.kafka = self.postgres = server
        self.slots = {FAULT.slot: SimpleNamespace(process=SimpleNamespace(send=self._killed))}

    def _killed(self, _: int) -> None:
        self.count += 1


@dataclass
class LateRecovery:
    """A sight of a system that recovers from its first fault after its last one has begun."""

    stage: Kills
    faults: int
    asked: int = 0
    late: asyncio.Event = field(default_factory=asyncio.Event)

    async def recovery(self, *_: Any) -> float | None:
        self.asked += 1
        if self.asked == self.faults:
            self.late.set()
        await self.late.wait()
        return float(self.stage.count)


async def test_a_recovery_that_takes_long_is_measured_on_while_the_next_faults_are_played(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(running, "PATIENCE_SECONDS", 0.01)
    stage, run = Kills(), Run(Options(3, 1, 1.0), 0.0)
    player = Player(cast("Any", stage), cast("Any", LateRecovery(stage, 3)), run, Steps())

    await asyncio.wait_for(player.play([replace(FAULT, number=number) for number in (1, 2, 3)]), 10)

    assert [one.fault.number for one in run.happened] == [1, 2, 3]
    assert [one.recovery for one in run.happened] == [3.0, 3.0, 3.0]
