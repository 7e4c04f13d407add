from hypothesis import given
from hypothesis import strategies as st

from services.eligibility.domain import share_of

SEATS = st.dictionaries(st.text("0123456789", min_size=2, max_size=2), st.integers(0, 500), min_size=1, max_size=38)
MEMBERS = st.sets(st.sampled_from("abcdef"), min_size=1)


@given(seats=SEATS, members=MEMBERS)
def test_every_province_has_exactly_one_server(seats: dict[str, int], members: set[str]) -> None:
    shares = [share_of(member, members, seats) for member in members]
    assert sorted(code for share in shares for code in share) == sorted(seats)


@given(seats=SEATS, members=MEMBERS)
def test_no_two_servers_differ_by_more_than_the_largest_province(seats: dict[str, int], members: set[str]) -> None:
    loads = [sum(max(1, seats[code]) for code in share_of(member, members, seats)) for member in members]
    assert max(loads) - min(loads) <= max(1, *seats.values())


def test_ten_equal_provinces_are_halved_between_two() -> None:
    seats = {str(code): 50 for code in range(11, 21)} | {str(code): 0 for code in range(21, 45)}
    assert sum(seats[code] for code in share_of("a", ["a", "b"], seats)) == 250


def test_who_is_not_listed_yet_counts_itself() -> None:
    assert share_of("b", ["a"], {"11": 5, "12": 5}) == {"12"}
