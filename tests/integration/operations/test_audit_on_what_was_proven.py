from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from rintis.operations.findings import Finding
from rintis.operations.inside import COUNT_EVERY
from shared.contracts.envelope import hash64
from tests.integration.operations.operations_stage import MINUTE, WORKERS, Stage, found

TO_ELIGIBILITY = f"{WORKERS} -> eligibility.workers"
TO_NOTIFICATION = f"{WORKERS} -> notification.workers"
DROP_CELL = "delete from flow_cells where direction = 'heard' and party = $1"
DOUBLE_CELL = "update flow_cells set events = events * 2, hash_sum = hash_sum * 2 where direction = 'heard' and party = $1"
LOSE_ONE = """
with one as (select ctid from flow_cells where direction = $1 and party = $2 and events > 0 limit 1)
update flow_cells c set events = events - 1, hash_sum = hash_sum - $3 from one where c.ctid = one.ctid
"""
A_MESSAGE = """
insert into messages (id, event_id, subject_id, template, parameters, box, state, told_at, settled_at, created_at)
select gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), 't', '{}', 'contact', 'skipped', now(), now(), now() - interval '1 day'
from generate_series(1, 5)
"""
A_SENT_MESSAGE = """
with message as (
  insert into messages (id, event_id, subject_id, template, parameters, box, channel, state, told_at, settled_at, created_at)
  values ($1, gen_random_uuid(), gen_random_uuid(), 't', '{}', 'contact', 'sms', 'sent', now(), now(), now() - interval '1 day')
)
insert into attempts (message_id, number, channel, started_at, ended_at, answer) values ($1, 1, 'sms', now() - interval '1 day', now(), 'taken')
"""

SETTLED_MESSAGES = "select (agreed_rows ->> 'messages')::int as messages from marks where service = 'notification'"
AN_OLD_MESSAGE_THAT_NOBODY_SENT = """
insert into messages (id, event_id, subject_id, template, parameters, box, channel, state, told_at, settled_at, created_at)
select gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), 't', '{}', 'contact', 'sms', 'sent', at, at, at
from (select now() - interval '2 days' as at) as then_
"""


async def proven(stage: Stage) -> list[UUID]:
    """Bring the stage to rest, fold its ledgers, and let an audit close its minutes."""
    ids = await stage.at_rest()
    await stage.fold()
    verdict = await stage.audit(store=True)
    assert (verdict.is_clean, verdict.is_whole) == (True, True), verdict.as_dict()
    assert await closed(stage) == 2
    return ids


async def proven_messages(stage: Stage) -> UUID:
    """Store messages of a day ago, one of them sent, and let an audit prove them; returns that one."""
    message = uuid4()
    await stage.sql("notification", A_SENT_MESSAGE, message)
    await stage.sql("notification", A_MESSAGE)
    await proven(stage)
    return message


async def closed(stage: Stage) -> int:
    rows = await stage.sql("audit", "select count(*) from minutes where is_closed")
    return int(rows[0][0])


async def both(stage: Stage) -> dict[str, Finding]:
    """Audit on what was proven and in whole, twice each: the same must be found, and again."""
    verdicts = [await stage.audit(store=True, is_whole=is_whole) for is_whole in (False, True, False)]
    same = [[(f.kind, f.where, f.events, f.since) for f in verdict.findings] for verdict in verdicts]
    assert same[0] == same[1] == same[2]
    assert same[0], "nothing was found"
    return {finding.where: finding for finding in verdicts[0].findings}


async def test_a_second_audit_looks_at_nothing_that_was_closed_and_finds_the_same(stage: Stage) -> None:
    await proven(stage)

    again = await stage.audit(store=True)

    assert (again.is_clean, again.is_whole, again.accepted) == (True, False, 3)
    assert (await stage.sql("audit", "select count(*)::int from audits"))[0][0] == 2


async def test_what_comes_late_to_a_closed_minute_is_noticed_and_closed_again(stage: Stage) -> None:
    await proven(stage)
    await stage.say(2)
    on_its_way = await stage.audit(store=True)
    assert (on_its_way.is_clean, on_its_way.in_flight) == (True, 4)

    await stage.relay()
    for service in ("eligibility", "notification"):
        await stage.sql(service, "delete from progress")
        await stage.sql(service, "delete from flow_cells where direction = 'heard'")
        await stage.hear(service, "workers", f"^{WORKERS}$")

    assert (await stage.audit(store=True)).is_clean
    sums = await stage.sql("audit", "select edge, events from minutes where is_closed order by edge")
    assert [tuple(row) for row in sums] == [("eligibility.workers", 5), ("notification.workers", 5)]


async def test_a_ledger_row_taken_away_from_a_closed_minute_is_missing_there(stage: Stage) -> None:
    await proven(stage)
    await stage.sql("eligibility", DROP_CELL, "eligibility.workers")

    finding = (await both(stage))[TO_ELIGIBILITY]

    assert (finding.kind, finding.events, finding.since) == ("missing", 3, MINUTE)


async def test_one_event_taken_from_a_closed_minute_is_named(stage: Stage) -> None:
    ids = await proven(stage)
    await stage.sql("notification", LOSE_ONE, "heard", "notification.workers", hash64(ids[1]))

    await both(stage)

    (finding,) = (await stage.audit(store=True)).findings
    assert (finding.where, finding.ids) == (TO_NOTIFICATION, [str(ids[1])])
    assert finding.command == f"rintis audit --edge notification.workers --minute {MINUTE:%Y-%m-%dT%H:%M}"


async def test_a_closed_minute_that_is_counted_twice_is_double(stage: Stage) -> None:
    await proven(stage)
    await stage.sql("notification", DOUBLE_CELL, "notification.workers")

    finding = (await both(stage))[TO_NOTIFICATION]

    assert (finding.kind, finding.events, finding.since) == ("double", 3, MINUTE)


async def test_an_event_that_vanished_from_both_sides_after_it_was_proven_is_missing(stage: Stage) -> None:
    ids = await proven(stage)
    await stage.sql("registration", LOSE_ONE, "said", "registration", hash64(ids[0]))
    for service in ("eligibility", "notification"):
        await stage.sql(service, LOSE_ONE, "heard", f"{service}.workers", hash64(ids[0]))

    assert (await stage.audit()).is_clean, "without what was proven, nothing shows that the event ever was"
    findings = await both(stage)

    assert set(findings) == {TO_ELIGIBILITY, TO_NOTIFICATION}
    assert all("was proven with 3 events" in str(finding) for finding in findings.values())


async def test_a_removed_outbox_row_is_missing_in_its_minute_beside_closed_ones(stage: Stage) -> None:
    await proven(stage)
    later = MINUTE + timedelta(minutes=7)
    await stage.say(1, at=later)
    await stage.sql("registration", "delete from outbox")

    findings = await both(stage)

    assert {(f.where, f.events, f.since) for f in findings.values()} == {
        (TO_ELIGIBILITY, 1, later),
        (TO_NOTIFICATION, 1, later),
    }


async def test_a_loss_is_not_hidden_by_what_is_on_its_way(stage: Stage) -> None:
    await proven(stage)
    await stage.say(3, at=MINUTE + timedelta(minutes=1))
    await stage.sql("registration", "delete from outbox where id in (select id from outbox order by id limit 2)")

    verdict = await stage.audit(store=True)

    assert verdict.in_flight == 2
    assert [(f.where, f.events) for f in found(verdict, "missing")] == [(TO_ELIGIBILITY, 2), (TO_NOTIFICATION, 2)]


async def test_copies_change_nothing_and_what_is_parked_is_on_its_way_at_its_gate(stage: Stage) -> None:
    await proven(stage)
    await stage.sql(
        "eligibility",
        "insert into flow (direction, party, topic, partition, minute, outcome, events, hash_sum)"
        " values ('heard', 'eligibility.workers', $1, 0, $2, 'repeat', 2, 77)",
        WORKERS,
        MINUTE,
    )
    await stage.sql(
        "eligibility",
        "insert into gate (consumer, topic, key, next_at, attempts, reason, is_held, opened_at)"
        " values ('eligibility.workers', $1, 'k', now(), 1, 'KeyMissing', false, $2)",
        WORKERS,
        MINUTE,
    )
    await stage.sql(
        "eligibility",
        "insert into parked (consumer, topic, key, partition, record_offset, broker_ms, record, parked_at)"
        " values ('eligibility.workers', $1, 'k', 0, 0, 0, 'x', now())",
        WORKERS,
    )

    verdict = await stage.audit(store=True)

    assert verdict.is_clean
    (stage_,) = [stage for stage in verdict.stages if stage.consumer == "eligibility.workers"]
    assert (stage_.on_its_way, stage_.at, stage_.since) == (1, "gate", MINUTE)


@pytest.mark.parametrize(
    ("takes_away", "what"),
    [
        ("delete from attempts where message_id = $1", "message_unproven"),
        ("truncate attempts", "message_unproven"),
    ],
)
async def test_an_effect_taken_away_long_after_it_was_proven_is_found_at_the_next_audit(
    stage: Stage, takes_away: str, what: str
) -> None:
    message = await proven_messages(stage)
    assert not (await stage.audit(store=True)).is_whole

    await stage.sql("notification", takes_away, *([message] if "$1" in takes_away else []))

    assert set(await both(stage)) == {f"notification: {what}"}


async def test_an_effect_added_long_after_its_time_was_proven_is_found_when_rows_are_counted(stage: Stage) -> None:
    await proven_messages(stage)
    await stage.sql("notification", AN_OLD_MESSAGE_THAT_NOBODY_SENT)

    at_once = await stage.audit(store=True)
    await stage.sql("audit", "update marks set counted_at = counted_at - $1::interval", COUNT_EVERY + timedelta(seconds=1))

    assert (at_once.is_clean, at_once.is_whole) == (True, False)
    assert set(await both(stage)) == {"notification: message_unproven"}


async def test_what_is_counted_is_what_was_added_up_audit_by_audit(stage: Stage) -> None:
    await proven_messages(stage)
    for minute in range(1, 4):
        await stage.sql("notification", A_MESSAGE.replace("1 day", f"1 day - {minute} minutes"))
        assert (await stage.audit(store=True)).is_clean
    (added,) = await stage.sql("audit", SETTLED_MESSAGES)

    await stage.sql("audit", "update marks set counted_at = counted_at - $1::interval", COUNT_EVERY + timedelta(seconds=1))

    assert not (await stage.audit(store=True)).is_whole
    assert await stage.sql("audit", SETTLED_MESSAGES) == [added]
    assert added["messages"] == 1 + 5 * 3


async def test_a_ledger_that_was_restored_to_an_earlier_state_is_noticed(stage: Stage) -> None:
    await proven(stage)
    for service, direction in (("registration", "said"), ("eligibility", "heard"), ("notification", "heard")):
        await stage.sql(service, "delete from flow_cells where direction = $1 and topic = $2", direction, WORKERS)

    findings = await both(stage)

    assert set(findings) == {TO_ELIGIBILITY, TO_NOTIFICATION}


async def test_forgetting_what_was_proven_begins_anew(stage: Stage) -> None:
    await proven(stage)
    async with stage.store() as store:
        assert store
        await store.forget()

    assert (await stage.audit(store=True)).is_whole
