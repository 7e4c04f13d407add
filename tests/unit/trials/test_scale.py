import pytest

from rintis.bench.reconciling import Reconciled
from rintis.trials.scale import Verdict, linearity, slope


def test_what_grows_by_whole_calls_has_the_rate_of_its_line() -> None:
    looks = [(at / 4, 64 * (at // 4)) for at in range(160)]
    assert slope(looks) == pytest.approx(64, rel=0.01)
    assert slope([(1.0, 5)]) == 0.0


def test_twice_as_many_senders_are_held_against_twice_the_rate_of_one() -> None:
    assert linearity({1: 100.0, 2: 190.0, 4: 300.0}) == {2: 0.95, 4: 0.75}


def verdict(linear: dict[int, float], *, ran_dry: bool = False, reconciled: Reconciled | None = None) -> Verdict:
    return Verdict(10, [], 1.0, {}, linear, ran_dry, True, reconciled or Reconciled())


def test_senders_have_scaled_where_each_number_of_them_sent_nine_tenths_of_what_it_promises() -> None:
    assert verdict({2: 0.98, 4: 0.9}).is_good
    assert not verdict({2: 0.98, 4: 0.89}).is_good
    assert not verdict({2: 0.98, 4: 0.9}, ran_dry=True).is_good
    assert not verdict({2: 0.98, 4: 0.9}, reconciled=Reconciled(doubled=1)).is_good
    assert not verdict({}).is_good
