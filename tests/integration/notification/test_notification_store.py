"""Senders against a real database, with a provider of our own in place of the network."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from services.notification.app import release_held
from services.notification.domain.messages import Answer, Channel, Fate, State
from services.notification.repository import messages as repository
from services.notification.repository.messages import Lease, Verdict
from shared.testing import eventually
from tests.integration.inside_statements import inside_statements
from tests.integration.notification.notification_office import Office, an_intent
from tests.integration.notification.notification_stage import STANDING

NOW = datetime.now(UTC)
AUDIT = inside_statements("notification")


async def test_an_offer_that_ended_is_skipped_and_one_that_holds_is_sent(office: Office) -> None:
    ended, holds = uuid4(), uuid4()
    await office.intend(
        an_intent(ended, await office.contact(ended), valid_until=NOW - timedelta(minutes=1)),
        an_intent(holds, await office.contact(holds), valid_until=NOW + timedelta(hours=1)),
    )
    await office.sender().send_set()
    assert await office.states() == {("skipped", "expired"): 1, ("sent", ""): 1}


async def test_a_decision_on_older_facts_is_skipped_when_a_newer_one_is_known(office: Office) -> None:
    worker = uuid4()
    sealed = await office.contact(worker)
    older = an_intent(worker, sealed, thread="decision")
    await office.intend(older, older._replace(id=uuid4(), event_id=uuid4(), facts_version=2))
    sender = office.sender()
    await sender.send_set()
    await sender.send_set()
    assert await office.states() == {("skipped", "superseded"): 1, ("sent", ""): 1}


async def test_a_message_that_waits_goes_to_the_newest_number(office: Office) -> None:
    worker = uuid4()
    await office.intend(an_intent(worker, await office.contact(worker, "081111111111")))
    newer = an_intent(worker, await office.contact(worker, "082222222222"), contact_version=2)
    await office.intend(newer)
    sender = office.sender()
    await sender.send_set()
    await sender.send_set()
    assert [letter.to for letter in office.provider.letters] == ["+6282222222222"] * 2


async def test_a_box_that_cannot_be_read_and_a_template_that_does_not_fit_cost_their_neighbours_nothing(office: Office) -> None:
    people = [uuid4() for _ in range(6)]
    intents = [an_intent(person, await office.contact(person)) for person in people]
    intents[2] = intents[2]._replace(sealed=await office.contact(people[3]))
    intents[4] = intents[4]._replace(template="waitlisted.v1")
    await office.intend(*intents)
    await office.sender().send_set()
    assert await office.states() == {("failed", "box_unreadable"): 1, ("failed", "template_unfit"): 1, ("sent", ""): 4}


async def test_keys_that_are_away_cost_no_attempt_and_leave_nothing_unknown(office: Office) -> None:
    worker = uuid4()
    await office.intend(an_intent(worker, await office.contact(worker)))
    await office.keys.database.close()
    with pytest.raises(Exception, match="not open"):
        await office.sender().send_set()
    assert [(row["state"], row["attempts"]) for row in await office.do(STANDING)] == [("due", 0)]
    await office.keys.database.open()
    await office.sender().send_set()
    assert await office.states() == {("sent", ""): 1}


async def test_many_senders_send_each_message_once(office: Office) -> None:
    people = [uuid4() for _ in range(200)]
    await office.intend(*[an_intent(person, await office.contact(person)) for person in people])

    async def work() -> None:
        sender = office.sender(claimed=7)
        while await sender.send_set():
            pass

    await asyncio.gather(*(work() for _ in range(6)))
    await work()
    sent = Counter(letter.message_id for letter in office.provider.letters)
    assert (len(sent), set(sent.values())) == (200, {1})
    assert await office.states() == {("sent", ""): 200}
    (said,) = await office.do("select count(*) as events, count(distinct key) as keys from outbox")
    assert tuple(said) == (200, 200)


async def test_a_sender_that_lost_its_lease_cannot_overwrite_what_another_does(office: Office) -> None:
    worker = uuid4()
    await office.intend(an_intent(worker, await office.contact(worker)))
    slow, quick = uuid4(), uuid4()
    async with office.database.transaction() as tx:
        (message,) = await repository.claim_messages(tx, Channel.SMS, limit=10, lease=Lease(slow, 60.0))
    await office.do("update leases set leased_until = now() - interval '1 second'")
    await office.sender().settle_lost()
    async with office.database.transaction() as tx:
        assert await repository.claim_messages(tx, Channel.SMS, limit=10, lease=Lease(quick, 60.0))
        late = Verdict(message, Fate(State.FAILED, "late"), Answer.REFUSED, "late")
        assert await repository.settle_messages(tx, slow, [late], NOW, is_last=True) == set()
    assert await office.states() == {("sending", ""): 1}


async def fill_the_queue(office: Office, people: int) -> None:
    """Three due messages for each of so many people, as they rest after a while: the table's order is no longer the queue's."""
    await office.do(
        f"""with told as (
              insert into messages (id, event_id, subject_id, template, parameters, box, channel, state, told_at)
              select gen_random_uuid(), gen_random_uuid(), md5(person::text)::uuid, 'repeated.v1', '{{}}', 'contact', 'sms', 'waiting', now()
              from generate_series(1, {people}) person, generate_series(1, 3)
              returning id, seq, subject_id
            )
            insert into queue (subject_id, seq, message_id, channel, next_at)
            select subject_id, seq, id, 'sms', now() - random() * interval '1 minute' from told"""
    )
    await office.do("analyze messages, queue")


def parts(plan: dict[str, Any]) -> list[dict[str, Any]]:
    """Every step of a plan, the first one first."""
    return [plan, *(part for below in plan.get("Plans", ()) for part in parts(below))]


async def test_a_full_queue_costs_a_sender_what_it_takes_and_not_what_waits(office: Office) -> None:
    await fill_the_queue(office, people=5_000)
    claim = f"explain (analyze, format json) {repository.SQL['claim_messages']}"
    async with office.database.transaction() as tx:
        (row,) = await tx.fetch(claim, Channel.SMS, 100, uuid4(), 60.0, None)
    (walk,) = [part for part in parts(json.loads(row[0])[0]["Plan"]) if part.get("Index Name") == "queue_due"]
    assert 100 <= walk["Actual Rows"] + walk["Rows Removed by Filter"] <= 500
    # Where it expects few of them to be takeable, it reads all of a larger queue before it takes the first.
    assert walk["Plan Rows"] > 5_000


async def test_what_waits_behind_a_message_that_is_tried_again_later_waits_with_it(office: Office) -> None:
    await fill_the_queue(office, people=10)
    async with office.database.transaction() as tx:
        lease = Lease(uuid4(), 60.0)
        claimed = await repository.claim_messages(tx, Channel.SMS, limit=4, lease=lease)
        later = [Verdict(message, Fate(State.WAITING), Answer.LATER, "provider_busy", 300.0) for message in claimed]
        assert await repository.settle_messages(tx, lease.id, later, NOW, is_last=True) == {message.id for message in claimed}
    async with office.database.connection() as connection:
        due = await connection.fetch("select subject_id, count(*) as n from queue where next_at <= now() group by subject_id")
    assert {row["subject_id"]: row["n"] for row in due}.keys().isdisjoint(message.subject_id for message in claimed)
    assert [row["n"] for row in due] == [3] * 6


async def test_two_consumers_with_news_of_the_same_person_do_not_wait_for_each_other(office: Office) -> None:
    worker = uuid4()
    sealed = await office.contact(worker)
    await office.intend(an_intent(worker, sealed))

    async with office.database.transaction() as first:
        await repository.add_messages(first, [an_intent(worker, sealed)], NOW)
        async with asyncio.timeout(5), office.database.transaction() as second:
            await repository.add_messages(second, [an_intent(worker, sealed)], NOW)

    assert await office.states() == {("due", ""): 3}


async def test_an_event_that_is_heard_again_is_told_once(office: Office) -> None:
    worker = uuid4()
    sealed = await office.contact(worker)
    first, second = an_intent(worker, sealed), an_intent(worker, sealed)
    await office.intend(first)
    async with office.database.transaction() as tx:
        assert await repository.add_messages(tx, [first, second], NOW) == {second.id}
    assert await office.states() == {("due", ""): 2}


async def test_a_second_message_of_an_event_is_found_however_old_the_first_is(office: Office) -> None:
    worker = uuid4()
    sealed = await office.contact(worker)
    first, other = an_intent(worker, sealed), an_intent(worker, sealed)
    await office.intend(first, other)
    await office.do("update messages set created_at = now() - interval '1 day'")
    await office.intend(an_intent(worker, sealed, event_id=first.event_id), an_intent(worker, sealed))
    block, _ = AUDIT["find_double_messages"]
    rows = await office.do(block, datetime.now(UTC) - timedelta(minutes=1))
    assert [(row["kind"], row["subject"]) for row in rows] == [("message_double", str(first.event_id))]


async def test_who_starts_in_a_slot_decides_at_once_about_what_the_slot_was_sending_and_about_nothing_else(
    office: Office,
) -> None:
    ours, others = uuid4(), uuid4()
    await office.intend(*[an_intent(worker, await office.contact(worker)) for worker in (ours, others)])
    async with office.database.transaction() as tx:
        (first,) = await repository.claim_messages(tx, Channel.SMS, limit=1, lease=Lease(uuid4(), 60.0, "notification-1"))
        await repository.claim_messages(tx, Channel.SMS, limit=1, lease=Lease(uuid4(), 60.0, "notification-2"))

    await office.sender().settle_lost()
    assert await office.states() == {("sending", ""): 2}
    await release_held(office.database, "notification-1")
    await office.sender().settle_lost()

    due = [row["id"] for row in await office.do(STANDING) if (row["state"], row["reason"]) == ("due", "sender_lost")]
    assert due == [first.id]
    assert [row["holder"] for row in await office.do("select holder from leases")] == ["notification-2"]


async def test_a_sound_database_has_no_finding(office: Office) -> None:
    worker = uuid4()
    await office.intend(an_intent(worker, await office.contact(worker)))
    await office.sender().send_set()
    assert [row for block, values in AUDIT.values() for row in await office.do(block, *values)] == []


async def test_the_audit_names_what_is_broken(office: Office) -> None:
    people = [uuid4() for _ in range(8)]
    intents = [an_intent(person, await office.contact(person)) for person in people]
    await office.intend(*intents)
    await office.do("alter table messages drop constraint messages_event_once")
    await office.do("update queue set next_at = now() - interval '1 hour' where message_id = $1", intents[0].id)
    over, gone = uuid4(), uuid4()
    await office.do("insert into leases (id, leased_until) values ($1, now() - interval '1 hour')", over)
    for intent, lease in ((intents[1], over), (intents[5], gone)):
        await office.do("update queue set lease = $2, taken_at = now() where message_id = $1", intent.id, lease)
    settled = [intents[2].id, intents[6].id]
    await office.do("update messages set state = 'sent', settled_at = now() where id = any($1)", settled[:1])
    await office.do("update messages set state = 'failed', settled_at = now() where id = any($1)", settled[1:])
    await office.do("delete from queue where message_id = any($1)", [intents[2].id, intents[7].id])
    await office.do("update messages set event_id = $1 where id = any($2)", uuid4(), [intents[3].id, intents[4].id])
    await office.do(
        """insert into tasks (id, kind, case_id, about, dinas, reasons, link, state, opened_at, due_at, created_at)
           values ($1, 'eligibility_review', $1, $1, '32.73', '{}', '/x', 'open', now(), now(), now() - interval '31 days')""",
        uuid4(),
    )
    rows = [dict(row) for block, values in AUDIT.values() for row in await office.do(block, *values)]
    kinds = Counter(row["kind"] for row in rows)
    expected = ("message_unsettled", "message_unproven", "message_double", "task_forgotten")
    assert kinds == dict.fromkeys(expected, 1) | {"message_lost": 2, "message_unqueued": 2}
    assert {frozenset(row) for row in rows} == {frozenset({"kind", "subject", "since", "detail"})}


async def test_a_lease_ends_with_its_set_and_one_whose_sender_vanished_once_nothing_is_held_by_it(office: Office) -> None:
    worker, other = uuid4(), uuid4()
    await office.intend(an_intent(worker, await office.contact(worker)))
    await office.sender().send_set()
    assert await office.do("select id from leases") == []

    await office.intend(an_intent(other, await office.contact(other)))
    async with office.database.transaction() as tx:
        await repository.claim_messages(tx, Channel.SMS, limit=10, lease=Lease(uuid4(), -1.0))
    assert len(await office.do("select id from leases")) == 1
    await office.sender().settle_lost()
    assert await office.do("select id from leases") == []
    assert await office.states() == {("sent", ""): 1, ("due", "sender_lost"): 1}


async def rewritten(office: Office) -> Counter[str]:
    """How often rows of a table were written anew, and how often an index with them, as the server counts it."""
    await office.do("select pg_stat_force_next_flush()")
    rows = await office.do(
        "select relname, n_tup_upd, n_tup_hot_upd from pg_stat_user_tables where relname in ('queue', 'messages')"
    )
    found = Counter[str]({row["relname"]: row["n_tup_upd"] for row in rows})
    found["indexes"] = sum(row["n_tup_upd"] - row["n_tup_hot_upd"] for row in rows)
    return found


async def test_a_message_is_written_anew_once_when_it_is_claimed_and_once_when_it_is_settled_and_no_index_is(
    office: Office,
) -> None:
    before = await rewritten(office)
    people = [uuid4() for _ in range(200)]
    await office.intend(*[an_intent(person, await office.contact(person)) for person in people])
    await office.sender(claimed=200).send_set()

    async def written_once() -> bool:
        return await rewritten(office) - before == {"queue": 200, "messages": 200}

    await eventually(written_once, what="each row written once, and no index")
    assert await office.do("select message_id from queue") == []
