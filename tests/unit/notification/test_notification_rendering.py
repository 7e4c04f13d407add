from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from jinja2 import TemplateError

from services.notification.domain.messages import Channel
from services.notification.handlers.news import NEWS
from services.notification.rendering import SMS_CHARACTERS, Renderer, load_words, say_day, say_reasons, say_time, shorten
from services.registration.domain.reasons import REFUSALS
from shared.contracts.envelope import Event
from shared.contracts.notification import TaskCompleted
from tests.unit.notification.notification_builders import a_company, a_contact, one_of_each

EVENTS = one_of_each(uuid4(), uuid4())
CODE_WORD = re.compile(r"[A-Z]{2,}_[A-Z_]+|[a-z]+_[a-z_]+|\bNone\b|\{|\}")


def the_values(event: Event, **contact: Any) -> dict[str, Any]:
    news = NEWS[type(event)]
    box = a_contact(**contact) if news.box == "contact" else a_company(**contact)
    return {**box.model_dump(), **news.parameters_of(event)}


def test_every_kind_of_news_has_an_example_here() -> None:
    assert {type(event) for event in EVENTS} == set(NEWS)


@pytest.mark.parametrize("channel", list(Channel))
@pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)
def test_every_outcome_is_told_in_words_without_codes(event: Event, channel: Channel) -> None:
    subject, body = Renderer().render(channel, NEWS[type(event)].template, the_values(event))
    assert not CODE_WORD.search(subject + body)
    assert "Siti Rahmawati" in body or "Budi Santoso" in body
    assert bool(subject) is (channel is Channel.EMAIL)


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)
def test_an_sms_stays_within_its_length_whatever_it_is_given(event: Event) -> None:
    values = the_values(event, name="Raden Mas " * 19)
    values["reasons"] = [f"CODE_{n}" for n in range(9)]
    values["incubator_name"] = values["referred_to_name"] = values["company"] = "Balai Diklat Industri " * 9
    values["missed"] = ["2026-11-17"] * 40
    _, body = Renderer().render(Channel.SMS, NEWS[type(event)].template, values)
    assert len(body) <= SMS_CHARACTERS
    assert body.isascii()


def test_reasons_are_left_out_of_an_sms_before_anything_else_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(load_words()["reasons"], "long", "Alasan yang sangat panjang " * 16)
    values = the_values(EVENTS[5]) | {"reasons": ["long"]}
    _, body = Renderer().render(Channel.SMS, "denied.v1", values)
    assert "Alasan" not in body
    assert body.endswith("dengan nomor tiket ini.")


def test_an_email_lists_every_reason() -> None:
    values = the_values(EVENTS[12]) | {"reasons": ["FIELD_MISSING", "FORM_UNKNOWN", "CASES_ABOVE_TOTAL"]}
    _, body = Renderer().render(Channel.EMAIL, "filing_returned.v1", values)
    assert body.count("\n- ") == 3


def test_a_name_cannot_add_a_line_or_a_template() -> None:
    values = the_values(EVENTS[0], name="Siti\r\nBcc: semua@contoh.id {{ access_code }}")
    subject, body = Renderer().render(Channel.EMAIL, "registered.v1", values)
    assert "\nBcc" not in body
    assert "{{ access_code }}" in body
    assert subject == "Pendaftaran Anda sudah kami terima"


def test_a_missing_value_is_an_error_and_not_an_empty_word() -> None:
    with pytest.raises(TemplateError):
        Renderer().render(Channel.SMS, "waitlisted.v1", {"name": "Siti", "ticket": "RNT-1"})


def test_an_unknown_reason_is_told_as_a_question_to_the_dinas_once() -> None:
    assert say_reasons(["NEW_CODE", "NEWER_CODE"]) == [load_words()["unknown_reason"]]


def test_days_and_times_are_told_in_jakarta() -> None:
    assert say_day("2026-11-24") == "Selasa, 24 November 2026"
    assert say_time("2026-11-24T17:30:00Z") == "Rabu, 25 November 2026 pukul 00.30 WIB"


def test_a_text_is_cut_at_a_space_and_marked() -> None:
    assert shorten("satu dua tiga empat", 15) == "satu dua..."
    assert shorten("satu", 15) == "satu"


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)
def test_stored_parameters_hold_nothing_from_the_box(event: Event) -> None:
    stored = NEWS[type(event)].parameters_of(event)
    assert not {"contact", "company", "name", "phone", "email", "ticket", "facts"} & set(stored)


def test_what_notification_itself_says_is_no_news() -> None:
    assert TaskCompleted not in NEWS


def test_every_reason_that_eligibility_gives_has_a_sentence_here() -> None:
    told = json.loads((Path(__file__).parents[3] / "policies/eligibility/reasons.json").read_text("utf-8"))["reasons"]
    assert set(told) - set(load_words()["reasons"]) == set()


def test_every_reason_of_a_refusal_has_a_sentence_here() -> None:
    assert {code.lower() for code in REFUSALS} - set(load_words()["reasons"]) == set()


@pytest.mark.parametrize("sentence", load_words()["reasons"].values())
def test_every_reason_is_a_whole_sentence_without_codes(sentence: str) -> None:
    assert sentence[0].isupper()
    assert sentence.endswith(".")
    assert "_" not in sentence


@pytest.mark.parametrize("changes", [{}, {"name": "Siti\r\n {{ ticket }} %(ticket)s 100% Zoë"}, {"name": "Raden Mas " * 60}])
@pytest.mark.parametrize("channel", list(Channel))
@pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)
def test_what_is_filled_into_an_outline_is_what_would_have_been_rendered(
    event: Event, channel: Channel, changes: dict[str, Any]
) -> None:
    news, renderer = NEWS[type(event)], Renderer()
    box = a_contact(**changes) if news.box == "contact" else a_company(**changes, company="PT 50% Tenun")
    rendered = renderer.render(channel, news.template, the_values(event, **dict(box)))
    for _ in range(2):
        assert renderer.write(channel, news.template, json.dumps(news.parameters_of(event)), dict(box)) == rendered


def test_an_outline_is_not_made_of_a_template_that_decides_by_what_a_person_said(tmp_path: Path) -> None:
    (tmp_path / "odd.v1.sms.j2").write_text(
        "Yth. {{ name | upper }}{% if ticket %}, tiket {{ ticket }}{% endif %}, {{ programme }}"
    )
    written = Renderer(tmp_path).write(Channel.SMS, "odd.v1", '{"programme": "wub"}', {"name": "Siti", "ticket": ""})
    assert written == ("", "Yth. SITI, wub")


def test_a_value_that_a_person_lacks_is_an_error_in_an_outline_too() -> None:
    with pytest.raises(LookupError):
        Renderer().write(Channel.SMS, "registered.v1", "{}", dict(a_contact(ticket=None)))
