import json
from datetime import timedelta
from uuid import uuid4

import pytest

from tests.integration.operations.operations_stage import INTAKE, MINUTE, WORKERS, Stage, found

TO_NOTIFICATION = f"{WORKERS} -> notification.workers"
FROM_INTAKE = "intake.registrations -> registration.registrations"
HEAR_AGAIN = """
insert into flow (direction, party, topic, partition, minute, outcome, events, hash_sum)
select direction, party, topic, partition, minute, outcome, events, hash_sum from flow
where direction = 'heard' and events > 0 order by events, id limit 1 returning events, hash_sum
"""
FORGET_ONE = "delete from flow where id = (select min(id) from flow where direction = 'heard')"
DEAD = """
insert into dead_letters (id, consumer, topic, partition, record_offset, reason, field, attempts, broker_ms, record, dead_at)
values ($1, 'registration.registrations', $2, 0, 0, 'not_json', 'body', 1, 0, 'x', now())
"""
GATE = """
insert into gate (consumer, topic, key, next_at, attempts, reason, is_held, opened_at)
values ('eligibility.workers', 'registration.workers', 'k', now(), 8, 'KeyMissing', $1, now())
"""


async def test_a_system_at_rest_is_clean_with_status_0_and_every_key_for_machines(stage: Stage) -> None:
    await stage.at_rest()

    done = await stage.command("audit", "--json")

    assert done.returncode == 0, done.stdout + done.stderr
    counts = {"accepted": 3, "in_flight": 0, "missing": 0, "double": 0, "stuck": 0, "dead": 0}
    verdict = json.loads(done.stdout)
    assert {name: verdict[name] for name in counts} == counts
    assert (verdict["first_broken"], verdict["findings"], verdict["dead_by_reason"]) == (None, [], [])
    accounted = {stage["consumer"]: stage["accounted"] for stage in verdict["stages"] if stage["accounted"]}
    assert accounted == {"registration.registrations": 3, "eligibility.workers": 3, "notification.workers": 3}


async def test_an_event_that_was_not_heard_is_named_by_topic_group_minute_and_id_with_status_1(stage: Stage) -> None:
    ids = await stage.at_rest(unheard=1)

    done = await stage.command("audit")

    assert done.returncode == 1, done.stderr
    assert f"missing {TO_NOTIFICATION}: 1 since {MINUTE:%Y-%m-%d %H:%M} said 3, heard 2 {ids[0]}" in done.stdout
    assert str(ids[1]) not in done.stdout
    assert "The first broken link: missing, Pesan: tiket pendaftaran." in done.stdout
    assert f"rintis audit --edge notification.workers --minute {MINUTE:%Y-%m-%dT%H:%M}" in done.stdout


async def test_two_events_that_were_not_heard_are_both_named(stage: Stage) -> None:
    ids = await stage.at_rest(unheard=2)

    (finding,) = (await stage.audit()).findings

    assert (finding.kind, finding.where, finding.events) == ("missing", TO_NOTIFICATION, 2)
    assert sorted(finding.ids) == sorted(map(str, ids[:2]))


async def test_a_deleted_outbox_row_is_missing_to_every_hearer_and_before_the_topic(stage: Stage) -> None:
    await stage.say(2)
    await stage.sql("registration", "delete from outbox where id = (select min(id) from outbox)")
    await stage.relay()
    await stage.hear("eligibility", "workers", f"^{WORKERS}$")
    await stage.hear("notification", "workers", f"^{WORKERS}$")

    verdict = await stage.audit()

    assert [(f.where, f.events, f.since) for f in found(verdict, "missing")] == [
        (f"{WORKERS} -> eligibility.workers", 1, MINUTE),
        (TO_NOTIFICATION, 1, MINUTE),
    ]
    assert all("the gap is before the topic" in finding.detail for finding in verdict.findings)


async def test_a_position_moved_past_unread_events_makes_them_missing(stage: Stage) -> None:
    await stage.at_rest()
    (skipped,) = await stage.say(1)
    await stage.relay()
    move = "update progress set next_offset = next_offset + 1 where topic = 'registration.workers' and partition = $1"
    async with stage.producer() as producer:
        partitions = await producer.partitions_for(WORKERS)
    verdict = await stage.audit()
    assert (verdict.in_flight, verdict.findings) == (2, []), "what is merely unread is on its way"

    # Which partition it went to is the broker's affair: positions beyond the end hide nothing else.
    for number in partitions:
        await stage.sql("notification", move, number)

    (finding,) = found(await stage.audit(), "missing")
    assert (finding.where, finding.since, finding.ids) == (TO_NOTIFICATION, MINUTE, [str(skipped)])


async def test_a_position_moved_past_unread_intake_names_partition_minute_and_records(stage: Stage) -> None:
    await stage.submit(1)
    await stage.hear("registration", "registrations", r"^intake[.]registrations[.]")
    await stage.sql("registration", FORGET_ONE)

    (finding,) = (await stage.audit()).findings

    assert (finding.kind, finding.where, finding.events) == ("missing", FROM_INTAKE, 1)
    assert finding.since is not None
    assert [id_.rsplit("/", 2)[0] for id_ in finding.ids] == [INTAKE]
    assert "read to 1, accounted for 0" in finding.detail


async def test_an_event_that_was_heard_twice_is_double(stage: Stage) -> None:
    await stage.at_rest()
    await stage.sql("notification", HEAR_AGAIN)

    (finding,) = (await stage.audit()).findings

    assert (finding.kind, finding.where, finding.since) == ("double", TO_NOTIFICATION, MINUTE)
    assert finding.ids


async def test_intake_that_was_accounted_for_twice_is_double(stage: Stage) -> None:
    await stage.at_rest()
    await stage.sql("registration", HEAR_AGAIN)

    (finding,) = (await stage.audit()).findings

    assert (finding.kind, finding.where) == ("double", FROM_INTAKE)


async def test_a_key_that_waits_for_an_operator_is_stuck_and_one_that_waits_by_itself_is_not(stage: Stage) -> None:
    await stage.at_rest()
    await stage.sql("eligibility", GATE, False)
    assert (await stage.audit()).is_clean

    await stage.sql("eligibility", "update gate set is_held = true")

    (finding,) = (await stage.audit()).findings
    assert (finding.kind, finding.detail) == ("stuck", "KeyMissing")
    assert "eligibility.workers" in finding.where


async def test_an_outbox_that_nobody_empties_is_stuck(stage: Stage) -> None:
    await stage.say(1)
    assert (await stage.audit()).is_clean

    await stage.sql("registration", "update outbox set created_at = created_at - interval '1 hour'")

    (finding,) = (await stage.audit()).findings
    assert (finding.kind, finding.where) == ("stuck", "registration: outbox")


async def test_a_topic_that_nobody_reads_is_stuck_once_it_has_waited_for_long(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    await stage.at_rest()
    await stage.say(1)
    await stage.relay()
    assert (await stage.audit()).findings == []

    monkeypatch.setattr("rintis.operations.audit.STUCK_AFTER", timedelta(0))

    verdict = await stage.audit()
    assert TO_NOTIFICATION in {finding.where for finding in found(verdict, "stuck")}
    assert {each.consumer: each.stuck for each in verdict.stages}["notification.workers"] == 1


async def test_dead_letters_are_listed_and_are_no_failure(stage: Stage) -> None:
    await stage.at_rest()
    await stage.sql("registration", DEAD, uuid4(), INTAKE)

    done = await stage.command("audit", "--json")

    verdict = json.loads(done.stdout)
    assert (done.returncode, verdict["dead"], verdict["findings"]) == (0, 1, [])
    assert [(row["consumer"], row["reason"]) for row in verdict["dead_by_reason"]] == [("registration.registrations", "not_json")]
