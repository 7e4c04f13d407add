import asyncio
import sys
from asyncio.subprocess import Process
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID, uuid4

import pytest

from shared.contracts.envelope import Event
from shared.messaging import Received
from shared.messaging.actions import Filter, NotPossible
from shared.testing import eventually
from tests.integration.messaging.messaging_stage import DEAD, Stage, Ward, own_record
from tests.integration.messaging.redrive_process import variables
from tests.integration.messaging.redrive_stage import BUDI, Desk, a_desk

KEYS, EACH = 1_000, 10
OVERTAKEN = 20
"""Keys whose newest event was handled after the repair, before anybody thought of the dead ones."""
BATCH = 500


@dataclass
class Policy(Ward):
    """A policy that cannot rule on anything until it is repaired."""

    is_broken: bool = True

    async def prepare(self, _batch: Sequence[Received[Event]]) -> None:
        if self.is_broken:
            raise DEAD


async def a_broken_deploy(stage: Stage) -> tuple[Desk, list[UUID]]:
    """Return a desk with every event of every key dead, and the policy repaired too late."""
    policy = stage.ward = Policy()
    desk = await a_desk(stage, is_intake=False)
    keys = [uuid4() for _ in range(KEYS)]
    records = [own_record(n * KEYS + k, key, n + 1, f"{n + 1:02}") for n in range(EACH) for k, key in enumerate(keys)]
    for start in range(0, len(records), BATCH):
        await desk.consumer.process(records[start : start + BATCH])
    policy.is_broken = False
    await desk.consumer.process([own_record(KEYS * EACH + k, key, EACH + 1, "11") for k, key in enumerate(keys[:OVERTAKEN])])
    return desk, keys


async def a_process(environment: dict[str, str]) -> Process:
    command = [sys.executable, "-m", "tests.integration.messaging.redrive_process"]
    return await asyncio.create_subprocess_exec(*command, env=variables(environment), stdout=asyncio.subprocess.DEVNULL)


async def effects(stage: Stage) -> dict[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for row in await stage.rows("select key, note from effects order by n"):
        found[str(row["key"])].append(str(row["note"]))
    return found


async def count(stage: Stage, states: str) -> int:
    return int(str((await stage.rows(f"select count(*)::int as n from dead_letters where state in ({states})"))[0]["n"]))


@pytest.mark.slow
async def test_ten_thousand_letters_of_a_thousand_keys_survive_a_kill_and_a_cancellation_half_way(
    stage: Stage, databases: dict[str, str]
) -> None:
    desk, keys = await a_broken_deploy(stage)
    assert await count(stage, "'open'") == KEYS * EACH
    plan = await desk.actions.count(Filter())
    assert [(row["entries"], row["superseded"]) for row in plan] == [(KEYS * EACH, OVERTAKEN * EACH)]

    action = await desk.ask()
    with pytest.raises(NotPossible, match="No entry fits"):
        await desk.ask(by=BUDI)
    await desk.actions.approve(action, BUDI)
    first = await a_process(databases)

    async def is_half_way() -> bool:
        return sum(map(len, (await effects(stage)).values())) > KEYS * EACH // 4

    await eventually(is_half_way, within=240, what="a quarter being done")
    first.kill()
    await first.wait()
    await desk.actions.cancel(action, BUDI)
    assert await count(stage, "'open', 'redriving', 'fixed', 'superseded'") == KEYS * EACH
    assert 0 < await count(stage, "'open'") < KEYS * EACH

    # The rest goes on in two processes at once, which also finish what the killed one had put back.
    rest = await desk.ask(by=BUDI)
    if (await desk.action(rest))["state"] == "waiting":
        await desk.actions.approve(rest, "ana")
    both = [await a_process(databases) for _ in range(2)]

    async def is_done() -> bool:
        return (await desk.action(rest))["state"] == "done" and not await stage.rows("select 1 from parked limit 1")

    await eventually(is_done, within=240, what="the rest being done")
    for process in both:
        process.kill()
        await process.wait()

    overtaken = {str(key) for key in keys[:OVERTAKEN]}
    numbers = [f"{n + 1:02}" for n in range(EACH)]
    assert await effects(stage) == {str(key): ["11"] if str(key) in overtaken else numbers for key in keys}
    assert await count(stage, "'fixed'") == (KEYS - OVERTAKEN) * EACH
    named = await stage.rows("select entry from operator_outcomes where outcome = 'superseded' and reason = 'newer_truth'")
    assert len(named) == OVERTAKEN * EACH
    assert await desk.ledger() == {"handled": (KEYS - OVERTAKEN) * EACH + OVERTAKEN, "superseded": OVERTAKEN * EACH}
    assert await stage.rows("select 1 from gate") == []
