import json
from datetime import UTC, datetime

from tests.integration.operations.operations_stage import INTAKE, Stage

GATE = """
insert into gate (consumer, topic, key, next_at, attempts, reason, is_held, opened_at)
values ('registration.registrations', $1, 'waits', now(), 1, 'x', false, now() - interval '90 seconds'),
       ('registration.registrations', $1, 'held', now(), 8, 'x', true, now())
"""
PARKED = """
insert into parked (consumer, topic, key, partition, record_offset, broker_ms, record, parked_at)
select 'registration.registrations', $1, 'waits', 0, 100 + n, 0, 'x', now() from generate_series(1, 3) as n
"""
DEAD = """
insert into dead_letters (id, consumer, topic, partition, record_offset, reason, field, attempts, broker_ms, record, dead_at)
values (gen_random_uuid(), 'registration.registrations', $1, 0, 0, 'not_json', 'body', 1, 0, 'x', now())
"""
KEPT = """
insert into deferred_calls (publisher, door, kind, items, body, sealed_under, arrived_at, kept_at, attempts)
values ('dinas', 'http', 'registration', 500, 'x', gen_random_uuid(), now(), now() - interval '90 seconds', 0),
       ('dinas', 'http', 'layoff', 3, 'x', gen_random_uuid(), now(), now(), 2)
"""


async def test_a_queue_says_what_waits_since_when_and_what_is_parked_held_and_dead(stage: Stage) -> None:
    await stage.at_rest()
    before = datetime.now(UTC)
    await stage.submit(4)
    await stage.submit(1, topic="intake.registrations.dinas")
    await stage.say(2)
    for statement in (GATE, PARKED, DEAD):
        await stage.sql("registration", statement, INTAKE)

    done = await stage.command("queues", "--json")

    assert done.returncode == 0, done.stderr
    queues = {queue["consumer"]: queue for queue in json.loads(done.stdout)}
    intake = queues["registration.registrations"]
    assert {name: intake[name] for name in ("name", "waiting", "parked", "held", "dead")} == {
        "name": "Pendaftaran masuk",
        "waiting": 5,
        "parked": 3,
        "held": 1,
        "dead": 1,
    }
    assert 90 <= intake["oldest_seconds"] <= 90 + (datetime.now(UTC) - before).total_seconds()
    assert intake["per_second"] == 3 / 60
    assert intake["drain_seconds"] == 100
    assert queues["registration.outbox"]["waiting"] == 2
    quiet = queues["eligibility.workers"]
    assert (quiet["waiting"], quiet["oldest_seconds"], quiet["drain_seconds"], quiet["dead"]) == (0, 0, 0, 0)
    assert len(queues) == 22


async def test_calls_that_were_kept_are_a_queue_of_their_own(stage: Stage) -> None:
    await stage.at_rest()
    await stage.sql("registration", KEPT)

    done = await stage.command("queues", "--json")

    (kept,) = (queue for queue in json.loads(done.stdout) if queue["consumer"] == "registration.calls")
    assert (kept["waiting"], kept["parked"], kept["held"], kept["drain_seconds"]) == (500, 3, 0, None)
    assert kept["oldest_seconds"] >= 90


async def test_the_age_of_a_queue_is_that_of_its_oldest_unread_record(stage: Stage) -> None:
    before = datetime.now(UTC)
    await stage.submit(1)

    done = await stage.command("queues", "--json")

    after = datetime.now(UTC)
    (intake,) = (queue for queue in json.loads(done.stdout) if queue["consumer"] == "registration.registrations")
    assert 0 < intake["oldest_seconds"] <= (after - before).total_seconds()
    assert intake["drain_seconds"] is None


async def test_people_read_the_queues_in_words(stage: Stage) -> None:
    await stage.submit(2)

    done = await stage.command("queues")

    (line,) = (line for line in done.stdout.splitlines() if "registration.registrations" in line)
    assert line.split()[:4] == ["Pendaftaran", "masuk", "registration.registrations", "2"]


async def test_a_machine_that_watches_gets_one_line_a_look(stage: Stage) -> None:
    lines = await stage.first_lines(2, "queues", "--watch", "--json")

    assert [len(json.loads(line)) for line in lines] == [22, 22]
