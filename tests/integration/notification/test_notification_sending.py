from __future__ import annotations

from collections import Counter
from uuid import uuid4

import pytest

from services.notification.handlers.news import NEWS
from shared.contracts.notification import MessageFailed, MessageSent, MessageSkipped, NoticeSent
from shared.contracts.registration import RegistrationRefused, RegistrationRepeated
from shared.testing import eventually
from tests.integration.notification.notification_stage import Stage
from tests.unit.notification.notification_builders import one_of_each

pytestmark = pytest.mark.servers


async def test_each_outcome_heard_five_times_is_one_message(stage: Stage) -> None:
    stage.open_doors()
    worker, permit = uuid4(), uuid4()
    events = one_of_each(worker, permit, contact=await stage.seal_contact(worker), company=await stage.seal_company(permit))
    ids = await stage.say(*events, times=5)

    async def all_sent() -> bool:
        return await stage.states() == {("sms", "sent", ""): 14, ("email", "sent", ""): 1}

    await eventually(all_sent, what="one message per outcome")
    assert len(stage.received("sms")) == 14
    assert [mail["subject"] for mail in stage.received("smtp")] == ["Tanda terima laporan IOMKI"]
    templates = await stage.database.fetch("select event_id, template from messages")
    assert {(row["event_id"], row["template"]) for row in templates} == {
        (event_id, NEWS[type(event)].template) for event_id, event in zip(ids, events, strict=True)
    }

    async def all_told() -> bool:
        said = [*await stage.said("notification.messages"), *await stage.said("notification.notices")]
        return Counter(type_ for type_, _ in said) == {MessageSent.TYPE: 11, NoticeSent.TYPE: 4}

    await eventually(all_told, what="one event per message")


async def test_the_messages_of_one_person_are_sent_in_the_order_in_which_they_came(stage: Stage) -> None:
    stage.open_doors()
    worker = uuid4()
    contact = await stage.seal_contact(worker)
    await stage.misbehave(fail_next=1)
    ids = await stage.say(*(RegistrationRepeated(worker_id=worker, contact_version=1, contact=contact) for _ in range(6)))
    await eventually(lambda: len(stage.received("sms")) == 6, what="all messages")
    order = await stage.database.fetch("select id::text from messages order by array_position($1::uuid[], event_id)", ids)
    assert [sms["reference"] for sms in stage.received("sms")] == [row["id"] for row in order]


async def test_who_has_no_channel_and_who_was_erased_is_skipped_with_the_reason(stage: Stage) -> None:
    stage.open_doors()
    silent, erased, known = uuid4(), uuid4(), uuid4()
    unreachable = await stage.seal_contact(silent, phone="0227201234", email=None)
    gone = await stage.seal_contact(erased)
    await stage.boxes["contact"].keys.erase([erased])
    await stage.say(
        RegistrationRepeated(worker_id=silent, contact_version=1, contact=unreachable),
        RegistrationRepeated(worker_id=erased, contact_version=1, contact=gone),
        RegistrationRefused(reference_id=known, reasons=[], contact=None),
    )

    async def all_skipped() -> bool:
        return await stage.states() == {
            ("sms", "skipped", "no_channel"): 1,
            ("sms", "skipped", "erased"): 1,
            (None, "skipped", "no_contact"): 1,
        }

    await eventually(all_skipped, what="all skipped")

    async def all_told() -> bool:
        return [type_ for type_, _ in await stage.said("notification.messages")] == [MessageSkipped.TYPE] * 3

    await eventually(all_told, what="events of the skipped")
    assert not stage.received("sms")


async def test_an_erasure_between_intent_and_sending_stops_the_message(stage: Stage) -> None:
    stage.open_doors()
    await stage.misbehave(fail_next=3)
    worker = uuid4()
    await stage.say(RegistrationRepeated(worker_id=worker, contact_version=1, contact=await stage.seal_contact(worker)))
    await eventually(lambda: stage.database.fetchval("select attempts > 0 from queue"), what="a first attempt")
    await stage.boxes["contact"].keys.erase([worker])

    async def skipped() -> bool:
        return await stage.states() == {("sms", "skipped", "erased"): 1}

    await eventually(skipped, what="the message is given up")
    assert stage.received("sms") == []


async def test_a_provider_that_fails_twice_gets_the_message_at_the_third_attempt(stage: Stage) -> None:
    stage.open_doors()
    await stage.misbehave(fail_next=1, throttle_next=1)
    worker, mailed = uuid4(), uuid4()
    by_mail = await stage.seal_contact(mailed, phone=None, email="temporary@contoh.id")
    await stage.say(
        RegistrationRepeated(worker_id=worker, contact_version=1, contact=await stage.seal_contact(worker)),
        RegistrationRepeated(worker_id=mailed, contact_version=1, contact=by_mail),
    )

    async def both_sent() -> bool:
        return await stage.states() == {("sms", "sent", ""): 1, ("email", "sent", ""): 1}

    await eventually(both_sent, what="both sent in the end")
    answers = await stage.database.fetch("select channel, answer, reason from attempts order by channel, number")
    assert [tuple(row) for row in answers] == [
        ("email", "later", "provider_busy"),
        ("email", "taken", ""),
        ("sms", "unclear", "provider_failed"),
        ("sms", "later", "provider_busy"),
        ("sms", "taken", ""),
    ]


async def test_what_a_provider_refuses_fails_with_a_reason_of_ours(stage: Stage) -> None:
    stage.open_doors()
    await stage.misbehave(reject_numbers=["+6281234567890"])
    worker, mailed = uuid4(), uuid4()
    by_mail = await stage.seal_contact(mailed, phone=None, email="rejected@contoh.id")
    await stage.say(
        RegistrationRepeated(worker_id=worker, contact_version=1, contact=await stage.seal_contact(worker)),
        RegistrationRepeated(worker_id=mailed, contact_version=1, contact=by_mail),
    )

    async def both_failed() -> bool:
        return await stage.states() == {("sms", "failed", "number_unknown"): 1, ("email", "failed", "mailbox_unknown"): 1}

    await eventually(both_failed, what="both failed")
    told = await eventually(lambda: stage.said("notification.messages"), what="events of the failures")
    assert {type_ for type_, _ in told} == {MessageFailed.TYPE}


async def test_attempts_end_when_the_provider_never_answers_well(stage: Stage) -> None:
    stage.open_doors(RINTIS_NOTIFICATION_ATTEMPTS="3")
    await stage.misbehave(fail_next=99)
    worker = uuid4()
    await stage.say(RegistrationRepeated(worker_id=worker, contact_version=1, contact=await stage.seal_contact(worker)))

    async def failed() -> bool:
        return await stage.states() == {("sms", "failed", "provider_failed"): 1}

    await eventually(failed, what="the message fails")
    assert (await stage.one_message())["attempts"] == 3


async def test_silence_after_taking_doubles_no_sms_and_leaves_an_email_unknown(stage: Stage) -> None:
    stage.open_doors()
    await stage.misbehave(hang_next=1)
    worker, mailed = uuid4(), uuid4()
    by_mail = await stage.seal_contact(mailed, phone=None, email="hanging@contoh.id")
    await stage.say(
        RegistrationRepeated(worker_id=worker, contact_version=1, contact=await stage.seal_contact(worker)),
        RegistrationRepeated(worker_id=mailed, contact_version=1, contact=by_mail),
    )

    async def both_settled() -> bool:
        return await stage.states() == {("sms", "sent", ""): 1, ("email", "unknown", "no_answer"): 1}

    await eventually(both_settled, what="both settled")
    assert len(stage.received("sms")) == 1
    assert len(stage.received("smtp")) == 1
    assert (await stage.database.fetchval("select attempts from messages where channel = 'sms'")) == 2


async def test_nothing_personal_rests_in_the_tables_or_the_log(stage: Stage) -> None:
    service = stage.open_doors()
    worker = uuid4()
    await stage.misbehave(fail_next=1)
    await stage.say(RegistrationRepeated(worker_id=worker, contact_version=1, contact=await stage.seal_contact(worker)))
    await eventually(lambda: stage.received("sms"), what="the message")
    tables = await stage.database.fetch("select tablename from pg_tables where schemaname = 'public'")
    text = service.log.read_text()
    for table in tables:
        text += str(await stage.database.fetch(f'select t::text from "{table["tablename"]}" t'))
    for secret in ("Siti", "81234567890", "RNT-7KQ2-M4XP", "Yth."):
        assert secret in str(stage.received("sms"))
        assert secret not in text
