from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from services.eligibility.domain import Incubator, NoFit, Offered, Placed, Referral, Waitlisted, Wish, place, refer, route
from tests.unit.eligibility.eligibility_builders import MAY_20, REFERENCE, a_wish, an_applicant, an_incubator

CATALOG = REFERENCE.catalog
REGENCIES = ("32.73", "32.04", "32.01")
SECTORS = ("pangan", "sandang", "kertas")


def codes(placed: list[Placed]) -> list[str]:
    """Return each placement in one word."""
    words = []
    for one in placed:
        if isinstance(one, Offered):
            words.append(one.incubator.code)
        else:
            words.append(f"#{one.position}" if isinstance(one, Waitlisted) else "none")
    return words


def test_the_incubator_of_the_own_regency_comes_before_the_provinces() -> None:
    incubators = [an_incubator("province", seats=9), an_incubator("near", seats=1, regency="32.73")]
    assert codes(place([a_wish(), a_wish()], incubators, {})) == ["near", "province"]


def test_at_equal_distance_the_larger_free_share_wins_and_then_the_code() -> None:
    incubators = [an_incubator("A", seats=4, taken=2), an_incubator("B", seats=2, taken=0), an_incubator("C", seats=2, taken=0)]
    assert codes(place([a_wish() for _ in range(3)], incubators, {})) == ["B", "C", "A"]


def test_an_incubator_of_another_sector_is_none_that_fits() -> None:
    assert codes(place([a_wish("kertas")], [an_incubator(sectors="pangan,sandang")], {})) == ["none"]


def test_who_finds_no_free_seat_waits_and_is_told_the_position() -> None:
    assert codes(place([a_wish() for _ in range(4)], [an_incubator(seats=1)], {"pangan": 0})) == ["A", "#1", "#2", "#3"]
    assert codes(place([a_wish()], [an_incubator(seats=1, taken=1)], {"pangan": 7})) == ["#8"]


def test_a_newcomer_does_not_overtake_those_who_wait() -> None:
    assert codes(place([a_wish()], [an_incubator(seats=2, taken=1)], {"pangan": 1})) == ["#2"]


def test_a_queue_for_one_sector_holds_up_no_other() -> None:
    incubators = [an_incubator("A", seats=1, taken=1, sectors="pangan"), an_incubator("B", seats=1, sectors="sandang")]
    assert codes(place([a_wish("pangan"), a_wish("sandang")], incubators, {})) == ["#1", "B"]


wishes = st.lists(st.builds(a_wish, st.sampled_from(SECTORS), st.sampled_from(REGENCIES)), max_size=40)
incubators_of_a_province = st.lists(
    st.builds(
        lambda code, seats, taken, regency, sectors: an_incubator(
            str(code), seats=seats, taken=min(seats, taken), regency=regency, sectors=",".join(sorted(sectors))
        ),
        st.integers(0, 999),
        st.integers(1, 8),
        st.integers(0, 8),
        st.sampled_from((None, *REGENCIES)),
        st.sets(st.sampled_from(SECTORS[:2]), min_size=1),
    ),
    max_size=5,
    unique_by=lambda incubator: incubator.code,
)


@given(wishes, incubators_of_a_province, st.integers(1, 7))
def test_in_any_batches_the_same_order_gives_the_same_placement(
    wanted: list[Wish], incubators: list[Incubator], size: int
) -> None:
    at_once = codes(place(wanted, incubators, {}))
    now, queues, in_batches = list(incubators), Counter[str](), list[str]()
    for start in range(0, len(wanted), size):
        placed = place(wanted[start : start + size], now, queues)
        in_batches += codes(placed)
        queues.update(one.wish.sector for one in placed if isinstance(one, Waitlisted))
        taken = Counter(one.incubator.code for one in placed if isinstance(one, Offered))
        now = [replace(incubator, taken=incubator.taken + taken[incubator.code]) for incubator in now]
    assert in_batches == at_once
    assert all(incubator.taken <= incubator.seats for incubator in now)


def test_with_a_plan_in_a_sector_that_is_incubated_a_seat_is_asked_for() -> None:
    assert route(an_applicant(), CATALOG, MAY_20) == "pangan"


def test_without_a_plan_training_near_home_in_the_own_trade_is_named() -> None:
    referral = route(an_applicant(has_plan=False, plan_kbli=None), CATALOG, MAY_20)
    assert isinstance(referral, Referral)
    assert (referral.programme, referral.code, referral.reasons) == ("diklat_3in1", "bdi_jakarta", ("no_plan",))


def test_a_sector_that_no_incubator_takes_is_referred() -> None:
    for kbli in ("17011", "47111"):
        referral = route(an_applicant(plan_kbli=kbli), CATALOG, MAY_20)
        assert isinstance(referral, Referral)
        assert referral.reasons == ("no_incubator_sector",)


def test_where_no_centre_serves_the_province_another_programme_of_that_day_is_named() -> None:
    papuan = an_applicant(province="91", regency="91.71")
    without_plan = an_applicant(province="91", regency="91.71", has_plan=False, plan_kbli=None)
    august = date(2020, 8, 17)
    assert refer(papuan, CATALOG, MAY_20, "x").code == "kartu_prakerja"
    assert refer(papuan, CATALOG, august, "x").code == "bpum"
    assert refer(without_plan, CATALOG, august, "x").code == "kartu_prakerja"
    assert refer(without_plan, CATALOG, date(2020, 1, 1), "x").programme == "rujukan"


def test_reference_data_covers_every_province_once_and_says_what_is_assumed() -> None:
    provinces = {province["code"] for province in REFERENCE.provinces}
    assert len(REFERENCE.provinces) == len(provinces) == 38
    codes_ = [incubator["code"] for incubator in REFERENCE.incubators]
    assert len(codes_) == len(set(codes_))
    for incubator in REFERENCE.incubators:
        assert incubator["province"] in provinces
        assert incubator["regency"] is None or incubator["regency"].startswith(incubator["province"])
        assert incubator["seats"] > 0
        assert incubator["is_assumption"]
        assert "(asumsi)" in incubator["name"] or incubator["code"] == "BCIC"
    assert CATALOG.incubated < set(CATALOG.sectors.values())
    assert isinstance(place([a_wish("kertas")], [], {})[0], NoFit)
