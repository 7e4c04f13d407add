from __future__ import annotations

from collections import Counter
from functools import partial
from uuid import UUID, uuid4

import pytest

from shared.contracts.notification import MessageSent, MessageUnknown
from shared.contracts.registration import RegistrationRepeated
from shared.testing import eventually
from tests.integration.notification.notification_stage import Stage

pytestmark = pytest.mark.servers

CROWD = 600


def has_received(stage: Stage, count: int) -> bool:
    return len(stage.received("sms")) > count


async def test_a_kill_between_sending_and_recording_doubles_no_sms_and_leaves_the_email_unknown(stage: Stage) -> None:
    service = stage.open_doors()
    await stage.misbehave(hang_next=1)
    worker, mailed = uuid4(), uuid4()
    by_mail = await stage.seal_contact(mailed, phone=None, email="hanging@contoh.id")
    await stage.say(
        RegistrationRepeated(worker_id=worker, contact_version=1, contact=await stage.seal_contact(worker)),
        RegistrationRepeated(worker_id=mailed, contact_version=1, contact=by_mail),
    )
    await eventually(lambda: stage.received("sms") and stage.received("smtp"), what="both taken by the providers")
    service.kill()
    assert await stage.states() == {("sms", "sending", ""): 1, ("email", "sending", ""): 1}
    stage.open_doors()

    async def both_settled() -> bool:
        return await stage.states() == {("sms", "sent", ""): 1, ("email", "unknown", "sender_lost"): 1}

    await eventually(both_settled, what="both settled")
    assert len(stage.received("sms")) == 1
    assert len(stage.received("smtp")) == 1

    async def both_told() -> bool:
        return Counter(t for t, _ in await stage.said("notification.messages")) == {MessageSent.TYPE: 1, MessageUnknown.TYPE: 1}

    await eventually(both_told, what="both outcomes told")


async def test_a_planned_stop_leaves_nothing_unknown(stage: Stage) -> None:
    service = stage.open_doors()
    people = [uuid4() for _ in range(60)]
    contacts = [await stage.seal_contact(person, phone=None, email=f"p{n}@contoh.id") for n, person in enumerate(people)]
    await stage.say(
        *(
            RegistrationRepeated(worker_id=person, contact_version=1, contact=contact)
            for person, contact in zip(people, contacts, strict=True)
        )
    )
    await eventually(lambda: stage.received("smtp"), what="the first e-mail")
    service.stop()
    assert not {state for _, state, _ in await stage.states()} & {"sending", "unknown"}
    stage.open_doors()

    async def all_sent() -> bool:
        return await stage.states() == {("email", "sent", ""): 60}

    await eventually(all_sent, what="all sent")
    assert len({mail["message_id"] for mail in stage.received("smtp")}) == len(stage.received("smtp")) == 60


@pytest.mark.slow
async def test_kills_in_the_middle_of_a_crowd_lose_nothing_and_double_no_sms(stage: Stage) -> None:
    service = stage.open_doors()
    people = [uuid4() for _ in range(CROWD)]
    contacts = [
        await stage.seal_contact(person, phone=None if n % 3 == 0 else f"0812{n:07d}", email=f"p{n}@contoh.id")
        for n, person in enumerate(people)
    ]
    await stage.say(
        *(
            RegistrationRepeated(worker_id=person, contact_version=1, contact=contact)
            for person, contact in zip(people, contacts, strict=True)
        )
    )
    for part in (CROWD // 6, CROWD // 3):
        await eventually(partial(has_received, stage, part), what="a part of the messages")
        service.kill()
        service = stage.open_doors()

    async def all_settled() -> Counter[tuple[str | None, str, str]]:
        states = await stage.states()
        assert sum(count for (_, state, _), count in states.items() if state in {"sent", "unknown"}) == CROWD
        return states

    states = await eventually(all_settled, within=60, what="every message settled")
    assert states[("sms", "sent", "")] == len(stage.received("sms")) == len({sms["key"] for sms in stage.received("sms")})
    mails = await stage.database.fetch("select id, state from messages where channel = 'email'")
    received = [UUID(mail["message_id"].strip("<>").split("@")[0]) for mail in stage.received("smtp")]
    assert len(received) == len(set(received))
    assert {row["id"] for row in mails if row["state"] == "sent"} <= set(received)
    assert set(received) <= {row["id"] for row in mails if row["state"] in {"sent", "unknown"}}
