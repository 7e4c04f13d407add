"""What senders know outlasts their connection."""

from __future__ import annotations

from uuid import uuid4

import pytest

from services.notification.domain.messages import Answer
from services.notification.gateways import Result
from services.notification.gateways.letters import AWAY
from services.notification.handlers import sending
from shared.messaging.retry import RetryPolicy
from tests.integration.notification.notification_office import Office, an_intent


async def test_what_was_sent_is_recorded_once_however_often_the_connection_breaks(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "RECORD_RETRY_SECONDS", 0.001)
    worker = uuid4()
    await office.intend(an_intent(worker, await office.contact(worker)))

    await office.sender(breaks=["", "before", "before", "after"]).send_set()

    assert await office.states() == {("sent", ""): 1}
    assert len(office.provider.letters) == 1
    assert [row["number"] for row in await office.do("select number from attempts")] == [1]
    assert [row["count"] for row in await office.do("select count(*) from outbox")] == [1]
    assert await office.do("select from leases") == []


async def test_a_set_whose_claim_was_committed_unheard_is_sent_with_the_next_one(office: Office) -> None:
    worker = uuid4()
    await office.intend(an_intent(worker, await office.contact(worker)))
    sender = office.sender(breaks=["after"])
    with pytest.raises(ConnectionResetError):
        await sender.send_set()
    assert await office.states() == {("sending", ""): 1}

    await sender.send_set()

    assert await office.states() == {("sent", ""): 1}
    assert [row["attempts"] for row in await office.do("select attempts from messages")] == [1]
    assert await office.do("select from leases") == []


async def test_a_message_is_suspect_after_its_provider_failed_at_it_and_not_after_the_provider_was_away(office: Office) -> None:
    worker = uuid4()
    await office.intend(an_intent(worker, await office.contact(worker)))
    office.provider.answers = [AWAY, Result(Answer.UNCLEAR, "provider_failed"), AWAY]
    sender = office.sender(retry=RetryPolicy(first_seconds=0.0))

    for _ in range(4):
        await sender.send_set()

    assert [letter.attempt for letter in office.provider.letters] == [1, 1, 3, 1]
    assert await office.states() == {("sent", ""): 1}
