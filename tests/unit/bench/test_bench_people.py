import json
from collections import Counter

import pytest
from pydantic import ValidationError

from bench.floor.incubators import PROVINCES
from bench.floor.registration import Registration
from rintis.bench.people import People, reference_of
from shared.contracts.intake import RegistrationSubmitted

COUNT = 20_000


@pytest.fixture(scope="module")
def people() -> list[tuple[dict[str, object], bool, bool]]:
    return [(item.data, item.is_bad, item.is_repeat) for item in People(7).take(COUNT)]


def test_the_same_seed_gives_the_same_people_and_another_gives_others() -> None:
    first, second, other = (list(People(seed).take(50)) for seed in (7, 7, 8))
    assert first == second
    assert first != other


def test_two_in_a_hundred_are_bad_and_three_are_repeats(people: list[tuple[dict[str, object], bool, bool]]) -> None:
    assert sum(is_bad for _, is_bad, _ in people) / COUNT == pytest.approx(0.02, abs=0.004)
    assert sum(is_repeat for _, _, is_repeat in people) / COUNT == pytest.approx(0.03, abs=0.005)


def test_nobody_shares_a_population_number_but_those_who_come_again(people: list[tuple[dict[str, object], bool, bool]]) -> None:
    good = [data["nik"] for data, is_bad, is_repeat in people if not is_bad and not is_repeat]
    assert len(set(good)) == len(good)
    assert {data["nik"] for data, _, is_repeat in people if is_repeat} <= set(good)


def test_provinces_come_by_their_people(people: list[tuple[dict[str, object], bool, bool]]) -> None:
    found = Counter(str(data["regency"])[:2] for data, is_bad, _ in people if not is_bad)
    assert found.keys() == PROVINCES.keys()
    assert found["32"] / found.total() == pytest.approx(PROVINCES["32"] / sum(PROVINCES.values()), abs=0.02)


def test_the_floor_refuses_exactly_the_bad_ones(people: list[tuple[dict[str, object], bool, bool]]) -> None:
    for data, is_bad, _ in people[:5_000]:
        text = json.dumps(data)
        RegistrationSubmitted.model_validate_json(text)
        try:
            Registration.model_validate_json(text)
        except ValidationError:
            assert is_bad, data
        else:
            assert not is_bad, data


def test_references_are_counted() -> None:
    assert [item.data["reference"] for item in People(3).take(3)] == [reference_of(3, number) for number in range(3)]
