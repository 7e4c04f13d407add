from dataclasses import replace
from datetime import UTC, datetime

import pytest

from services.registration.api.guesses import MOST_AT_ALL, MOST_PER_TICKET, WINDOW_SECONDS, Guesses
from services.registration.domain.status import Standing, answer, in_words

NEW = Standing(registered_at=datetime(2020, 5, 11, tzinfo=UTC))


def test_who_was_just_registered_is_told_that_data_are_looked_at() -> None:
    assert answer(NEW).stage == "registered"


@pytest.mark.parametrize(("decision", "stage"), [("confirmed", "confirmed"), ("denied", "denied"), ("review_asked", "in_review")])
def test_a_decision_is_told(decision: str, stage: str) -> None:
    assert answer(replace(NEW, decision=decision, programme="wub")).stage == stage


@pytest.mark.parametrize("placement", ["offered", "waitlisted", "accepted", "declined", "expired", "referred"])
def test_every_placement_has_words(placement: str) -> None:
    told = answer(replace(NEW, decision="confirmed", placement=placement, placement_name="BDI Denpasar", position=3))
    assert told.headline
    assert told.next_step


def test_an_offer_names_place_and_last_hour_in_wib() -> None:
    told = answer(
        replace(NEW, placement="offered", placement_name="BDI Denpasar", until=datetime(2020, 5, 14, 17, 0, tzinfo=UTC))
    )
    assert "BDI Denpasar" in told.headline
    assert "15 Mei 2020 pukul 00.00 WIB" in told.next_step


def test_a_denial_after_a_placement_is_what_counts() -> None:
    assert answer(replace(NEW, decision="denied", placement="waitlisted", position=1)).stage == "denied"


def test_instants_are_written_in_wib() -> None:
    assert in_words(datetime(2020, 12, 31, 18, 5, tzinfo=UTC)) == "1 Januari 2021 pukul 01.05 WIB"


class Hand:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_ticket_takes_so_many_wrong_codes_and_no_more() -> None:
    guesses = Guesses(Hand())
    for _ in range(MOST_PER_TICKET):
        assert guesses.is_open("RNT-A")
        guesses.note_wrong("RNT-A")
    assert not guesses.is_open("RNT-A")
    assert guesses.is_open("RNT-B")


def test_after_a_quarter_of_an_hour_a_ticket_is_open_again() -> None:
    hand = Hand()
    guesses = Guesses(hand)
    for _ in range(MOST_PER_TICKET):
        guesses.note_wrong("RNT-A")
    hand.now = WINDOW_SECONDS
    assert guesses.is_open("RNT-A")


def test_a_search_over_tickets_closes_the_door() -> None:
    guesses = Guesses(Hand())
    for number in range(MOST_AT_ALL):
        guesses.note_wrong(f"RNT-{number}")
    assert not guesses.is_open("RNT-NEW")
