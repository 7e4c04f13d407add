import asyncio
import os

import pytest

from rintis.testing.kafka import KafkaForTests
from rintis.testing.postgres import PostgresForTests
from shared.testing import eventually
from tests.acceptance.acceptance_stage import Person, System, people

pytestmark = pytest.mark.slow

REGISTRATIONS = int(os.environ.get("RINTIS_KILL_REGISTRATIONS", "1000"))
"""Enough for every kill to meet work in hand; a release is proved with 5,000."""

OUTCOMES = """
select (select count(*) from submissions where verdict = 'accepted')::int as accepted,
       (select count(*) from registrations)::int as registrations,
       (select count(*) from submissions where verdict is null)::int as undecided
"""


async def test_a_kill_of_every_part_in_the_middle_of_a_run_loses_and_doubles_nothing(
    system: System, kafka: KafkaForTests, postgres: PostgresForTests
) -> None:
    system.up()
    crowd = people(REGISTRATIONS, seed=3)
    load = asyncio.create_task(send_slowly(system, crowd))
    for name, process in system.processes.items():
        await system_has(system, 1 + list(system.processes).index(name) * REGISTRATIONS // 10)
        process.kill()
        process.start()
    await asyncio.to_thread(kafka.kill)
    await asyncio.to_thread(kafka.up)
    postgres.kill()
    await asyncio.to_thread(postgres.up)
    await load
    for process in system.processes.values():
        await asyncio.to_thread(process.wait_until_ready, 120)

    verdict = await system.drained(REGISTRATIONS, within=300)

    assert verdict.is_clean, verdict.as_dict()
    assert await system.rows("registration", OUTCOMES) == [
        {"accepted": REGISTRATIONS, "registrations": REGISTRATIONS, "undecided": 0}
    ]
    assert await system.count("eligibility", "select count(*) from workers") == REGISTRATIONS
    assert await system.count("eligibility", "select count(*) from decisions") == REGISTRATIONS
    tickets = "select count(distinct subject_id) from messages where template like 'registered%'"
    assert await system.count("notification", tickets) == REGISTRATIONS
    sent = await system.count("notification", "select count(*) from messages where state = 'sent' and channel = 'sms'")
    assert len(system.messages()) == sent
    assert len({message["reference"] for message in system.messages()}) == sent


async def send_slowly(system: System, crowd: list[Person]) -> None:
    """Publish in parts, so that the kills fall into the run and not after it."""
    for start in range(0, len(crowd), 50):
        await system.send([person.registration() for person in crowd[start : start + 50]])


async def system_has(system: System, accepted: int) -> None:
    async def check() -> bool:
        return await system.count("registration", "select count(*) from registrations") >= accepted

    await eventually(check, within=120, what=f"{accepted} registrations being in")
