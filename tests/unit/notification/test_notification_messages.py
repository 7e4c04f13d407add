from __future__ import annotations

from datetime import timedelta

import pytest

from services.notification.domain.messages import (
    Address,
    Answer,
    Channel,
    Fate,
    State,
    decide_fate,
    decide_lost,
    find_staleness,
    read_address,
)
from services.notification.gateways.mail import MAIL_WORDS, read_mail_code
from services.notification.gateways.sms import SMS_WORDS
from services.notification.settings import Settings
from shared.messaging.retry import RetryPolicy
from tests.unit.notification.notification_builders import NOON


@pytest.mark.parametrize(
    ("phone", "mobile"),
    [
        ("081234567890", "+6281234567890"),
        ("+62 812-3456-7890", "+6281234567890"),
        ("(0812) 3456.7890", "+6281234567890"),
        ("6285612345", None),
        ("628561234567", "+628561234567"),
        ("0227201234", None),
        ("+6281234567890123", None),
        ("bukan nomor", None),
        (None, None),
    ],
)
def test_only_indonesian_mobile_numbers_take_an_sms(phone: str | None, mobile: str | None) -> None:
    assert read_address(phone, None).mobile == mobile


@pytest.mark.parametrize(
    ("email", "good"),
    [
        ("siti@contoh.id", "siti@contoh.id"),
        (" a+b@c.co.id ", "a+b@c.co.id"),
        ("siti@", None),
        ("a b@c.id", None),
        ("a@b\r\nc.id", None),
        ("x", None),
    ],
)
def test_only_well_formed_addresses_take_an_email(email: str, good: str | None) -> None:
    assert read_address(None, email).email == good


@pytest.mark.parametrize(
    ("phone", "email", "channel"),
    [("081234567890", "a@b.id", Channel.SMS), ("0227201234", "a@b.id", Channel.EMAIL), (None, None, None), ("x", "y", None)],
)
def test_the_best_channel_is_sms_then_email_then_none(phone: str | None, email: str | None, channel: Channel | None) -> None:
    assert read_address(phone, email).best((Channel.SMS, Channel.EMAIL)) is channel


def test_a_receipt_for_a_company_prefers_email() -> None:
    assert Address("+6281234567890", "a@b.id").best((Channel.EMAIL, Channel.SMS)) is Channel.EMAIL


@pytest.mark.parametrize(
    ("channel", "answer", "attempt", "fate"),
    [
        (Channel.SMS, Answer.TAKEN, "early", Fate(State.SENT)),
        (Channel.SMS, Answer.REFUSED, "early", Fate(State.FAILED, "why")),
        (Channel.SMS, Answer.LATER, "early", Fate(State.WAITING, "why")),
        (Channel.SMS, Answer.LATER, "last", Fate(State.FAILED, "why")),
        (Channel.SMS, Answer.UNCLEAR, "early", Fate(State.WAITING, "why")),
        (Channel.SMS, Answer.UNCLEAR, "last", Fate(State.UNKNOWN, "why")),
        (Channel.SMS, Answer.NOT_TRIED, "last", Fate(State.WAITING)),
        (Channel.EMAIL, Answer.TAKEN, "last", Fate(State.SENT)),
        (Channel.EMAIL, Answer.LATER, "early", Fate(State.WAITING, "why")),
        (Channel.EMAIL, Answer.UNCLEAR, "early", Fate(State.UNKNOWN, "why")),
    ],
)
def test_the_fate_of_a_message_follows_from_the_answer(channel: Channel, answer: Answer, attempt: str, fate: Fate) -> None:
    assert decide_fate(channel, answer, "why", is_last=attempt == "last") == fate


def test_after_a_crash_an_sms_is_sent_again_and_an_email_is_unknown() -> None:
    assert decide_lost(Channel.SMS).state is State.WAITING
    assert decide_lost(Channel.EMAIL).state is State.UNKNOWN


def test_an_offer_is_not_told_after_its_end() -> None:
    assert find_staleness(NOON, NOON, (None, None)) == "expired"
    assert find_staleness(NOON, NOON + timedelta(seconds=1), (None, None)) is None


def test_a_decision_on_outdated_facts_is_not_told_and_one_on_the_same_facts_is() -> None:
    assert find_staleness(NOON, None, (1, 2)) == "superseded"
    assert find_staleness(NOON, None, (2, 2)) is None


def the_settings(**changes: float) -> Settings:
    return Settings.model_validate({"DATABASE_URL_NOTIFICATION": "postgresql://x", **changes})


def test_pauses_grow_and_end() -> None:
    policy = the_settings().retry
    pauses = [policy.delay(attempts, chance=1.0) for attempts in range(1, 10)]
    assert pauses == [2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, None, None]
    assert RetryPolicy(2.0, 10.0, 8).delay(5, chance=0.0) == 5.0


def test_a_lease_that_a_slow_provider_outlasts_is_refused_at_start() -> None:
    with pytest.raises(ValueError, match="lease_seconds"):
        the_settings(lease_seconds=60.0)


def test_every_provider_code_has_a_word_that_is_a_code_of_ours() -> None:
    for result in [*SMS_WORDS.values(), *MAIL_WORDS.values()]:
        assert result.answer is not Answer.NOT_TRIED
        assert result.answer is Answer.TAKEN or result.reason


@pytest.mark.parametrize(
    ("code", "answer"), [(450, Answer.LATER), (421, Answer.LATER), (554, Answer.REFUSED), (550, Answer.REFUSED)]
)
def test_mail_replies_go_by_table_and_first_digit(code: int, answer: Answer) -> None:
    assert read_mail_code(code).answer is answer
