from collections import Counter

from bench.floor.incubators import SECTORS, Incubator, Seats, make_incubators
from bench.floor.rules import score, sector_of
from bench.floor.texts import write_letter
from rintis.bench.people import People


def test_there_are_500_incubators_with_about_as_many_seats_as_asked_for() -> None:
    incubators = make_incubators(10_000)
    assert len(incubators) == 500
    assert 9_500 < sum(incubator.seats for incubator in incubators) < 10_500
    assert incubators == make_incubators(10_000)


def test_no_incubator_is_ever_given_more_than_its_seats() -> None:
    incubators = make_incubators(600)
    seats, taken = Seats(incubators), Counter[int]()
    for number in range(20_000):
        place = incubators[number % len(incubators)]
        taken[seats.take(place.province, SECTORS[number % len(SECTORS)]) or 0] += 1
    assert all(taken[incubator.id] == incubator.seats for incubator in incubators)
    assert taken[0] == 20_000 - sum(incubator.seats for incubator in incubators)


def test_the_sector_comes_first_and_the_province_is_never_left() -> None:
    seats = Seats([Incubator(1, "32", "kayu", 1), Incubator(2, "32", "sandang", 1), Incubator(3, "33", "sandang", 9)])
    assert [seats.take("32", "sandang") for _ in range(3)] == [2, 1, None]


def test_some_are_eligible_and_some_are_not_with_their_reasons() -> None:
    found = [score(item.data) for item in People(5).take(2_000) if not item.is_bad]
    assert 0.5 < sum(one.is_eligible for one in found) / len(found) < 0.95
    assert all(one.reasons for one in found if one.is_eligible)
    assert all(one.points <= 90 for one in found)


def test_the_letter_says_what_was_decided() -> None:
    data = next(iter(People(5).take(1))).data
    event = {**data, "province": "32", "sector": sector_of(data), "points": 60, "reasons": ["age"], "incubator": 7}
    assert "inkubator nomor 7" in write_letter(event | {"outcome": "placed"})
    assert "daftar tunggu" in write_letter(event | {"outcome": "waitlisted"})
    assert "- age" in write_letter(event | {"outcome": "denied"})
