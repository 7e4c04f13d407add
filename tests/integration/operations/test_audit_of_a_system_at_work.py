import asyncio
from collections.abc import Callable

import pytest

from rintis.operations.findings import Verdict
from rintis.testing.environment import ServiceStarter
from tests.acceptance.acceptance_stage import System, people
from tests.integration.operations.operations_stage import Stage, found

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

LOOKS = 4
"""Audits while the system is at work."""
PART = 40
LOST = """
delete from flow where id = (select id from flow where direction = 'heard' and party = 'eligibility.workers'
                             and outcome = 'handled' order by id limit 1) returning minute
"""


async def test_a_system_at_work_gives_no_false_alarm_and_a_loss_within_it_is_found(
    stage: Stage, start_service: ServiceStarter
) -> None:
    system = System(start_service, stage.environment)
    system.up()
    looks: list[Verdict] = []
    load = asyncio.create_task(send_until(system, lambda: len(looks) >= LOOKS))
    while not load.done():
        looks.append(await system.audit(patience=0.5))
    sent = await load
    verdict = await system.drained(sent)

    assert any(look.in_flight for look in looks), "none of the looks met work in hand"
    assert [look.as_dict() for look in looks if not look.is_clean] == []
    assert (verdict.is_clean, verdict.accepted) == (True, sent), verdict.as_dict()

    (lost,) = await stage.sql("eligibility", LOST)

    (finding,) = (await system.audit()).findings
    assert (finding.kind, finding.where) == ("missing", "registration.workers -> eligibility.workers")
    assert finding.since == lost["minute"]
    assert finding.ids
    assert found(await system.audit(), "double") == []


async def send_until(system: System, is_enough: Callable[[], bool]) -> int:
    """Publish in parts, so that the looks fall into the work and not after it; return how many were sent."""
    crowd = people(4_000, seed=5)
    sent = 0
    while not is_enough() and sent < len(crowd):
        await system.send([person.registration() for person in crowd[sent : sent + PART]])
        sent += PART
    return sent
