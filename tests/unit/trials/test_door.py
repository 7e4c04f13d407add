import pytest

from rintis.trials.door import BARE, DECIDED, MANY, ONE, OURS, Measured, Options, Verdict


def a_verdict(*, kept: float, decided: float, singles: float, stored: int = 10) -> Verdict:
    verdict = Verdict(Options())
    rates = {(OURS, MANY): kept, (OURS, DECIDED): decided, (OURS, ONE): singles, (BARE, MANY): 1_000.0, (BARE, ONE): 100.0}
    verdict.measured = {place: [Measured(rate, [0.1], {"202": 1})] for place, rate in rates.items()}
    verdict.sent.update({OURS: 10, BARE: 10})
    verdict.stored.update({OURS: stored, BARE: 10})
    return verdict


def test_half_of_the_bare_rate_in_batches_and_a_tenth_of_it_one_by_one_is_good() -> None:
    verdict = a_verdict(kept=500.0, decided=50.0, singles=10.0)
    assert verdict.is_good
    assert verdict.as_dict()["batches"]["ratio"] == 0.5


@pytest.mark.parametrize(
    ("kept", "singles", "stored"), [(499.0, 10.0, 10), (500.0, 9.9, 10), (500.0, 10.0, 9), (500.0, 10.0, 11)]
)
def test_less_than_that_is_not_good_nor_is_a_door_that_lost_or_doubled_something(
    kept: float, singles: float, stored: int
) -> None:
    assert not a_verdict(kept=kept, decided=500.0, singles=singles, stored=stored).is_good


def test_batches_that_wait_for_their_verdicts_are_put_beside_the_same_bare_batches_and_have_no_goal() -> None:
    figures = a_verdict(kept=500.0, decided=50.0, singles=10.0).as_dict()["batches_with_verdicts"]
    assert (figures["ratio"], figures["goal"]) == (0.05, None)
    assert BARE not in figures
