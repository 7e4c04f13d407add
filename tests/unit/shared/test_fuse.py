from datetime import UTC, datetime

import pytest

from shared.contracts.envelope import derive_id
from shared.messaging import HANDLED, Limits, Outcome, RetryLater
from shared.messaging.fuse import Blown, Fuse
from shared.messaging.items import Item
from shared.messaging.outcomes import PARKED, DeadLetter
from shared.messaging.records import StoredRecord

AT = datetime(2026, 3, 2, tzinfo=UTC)
OURS, THEIRS = "registration.workers", "intake.permits.oss"
BROKEN = DeadLetter("not_json", "body")


def items(count: int, outcome: Outcome, *, topic: str = OURS, key: str | None = None) -> list[Item]:
    record = StoredRecord(topic, 0, 0, 0, b"k", b"", [])
    return [Item(record, key or f"k{n}", derive_id(f"{n}", "t", at=AT), AT, outcome=outcome) for n in range(count)]


class Clock:
    now = 1_000.0

    def __call__(self) -> float:
        return self.now


def a_fuse(clock: Clock | None = None, *, is_intake: bool = False) -> Fuse:
    return Fuse(
        Limits(set_aside_records=10, set_aside_share=0.1, set_aside_seconds=60), is_intake=is_intake, now=clock or Clock()
    )


def goes_through(fuse: Fuse, batch: list[Item]) -> bool:
    try:
        fuse.check(batch)
    except Blown:
        return False
    fuse.note("test", batch)
    return True


def test_a_handful_of_failures_is_let_through_whatever_its_share() -> None:
    assert goes_through(a_fuse(), items(10, BROKEN))


def test_one_failure_more_than_that_stops_the_topic_before_it_is_set_aside() -> None:
    fuse = a_fuse()
    assert goes_through(fuse, items(10, BROKEN))
    with pytest.raises(Blown, match="11 of 11"):
        fuse.check(items(1, BROKEN))


def test_many_failures_among_many_more_good_records_stop_nothing() -> None:
    fuse = a_fuse()
    for _ in range(20):
        assert goes_through(fuse, [*items(99, HANDLED), *items(1, BROKEN)])


def test_what_was_set_aside_longer_ago_than_the_window_counts_no_more() -> None:
    clock = Clock()
    fuse = a_fuse(clock)
    assert goes_through(fuse, items(10, BROKEN))
    clock.now += 61
    assert goes_through(fuse, items(10, BROKEN))


def test_a_publishers_broken_records_never_stop_its_topic() -> None:
    fuse = a_fuse(is_intake=True)
    for _ in range(20):
        assert goes_through(fuse, items(500, BROKEN, topic=THEIRS))


def test_failures_on_one_publishers_records_leave_the_others_alone() -> None:
    fuse = a_fuse(is_intake=True)
    with pytest.raises(Blown, match="oss"):
        fuse.check(items(11, RetryLater("KeyError"), topic=THEIRS))
    assert goes_through(fuse, items(11, HANDLED, topic="intake.permits.siinas"))


def test_what_has_to_wait_by_the_nature_of_what_came_is_no_failure() -> None:
    assert goes_through(a_fuse(is_intake=True), items(50, RetryLater("permit_changed_meanwhile", is_expected=True)))
    assert not goes_through(a_fuse(is_intake=True), items(50, RetryLater("permit_changed_meanwhile")))


def test_the_followers_of_a_key_that_waits_are_no_failures_of_their_own() -> None:
    fuse = a_fuse()
    assert goes_through(fuse, items(400, PARKED))
    assert goes_through(fuse, items(400, RetryLater("sequence_gap"), key="one"))


def test_an_operator_can_let_a_topic_go_on_from_nothing_or_whatever_comes() -> None:
    clock = Clock()
    fuse = a_fuse(clock)
    assert goes_through(fuse, items(10, BROKEN))
    fuse.reset(OURS)
    assert goes_through(fuse, items(10, BROKEN))
    fuse.reset(OURS, is_forced=True)
    assert goes_through(fuse, items(500, BROKEN))
    clock.now += Limits().forced_seconds + 1
    with pytest.raises(Blown):
        fuse.check(items(11, BROKEN))
