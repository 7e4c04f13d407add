import itertools
from collections import Counter

from rintis.chaos.plan import LONG_PAUSE_SECONDS, NEEDS_VOLUMES, SHAPES, Kind, can_overlap, make_plan

SLOTS = [f"{service}-{side}" for service in ("registration", "eligibility", "notification", "reporting") for side in (1, 2)]


def test_the_same_seed_gives_the_same_plan_and_another_seed_another() -> None:
    assert make_plan(1, 200, SLOTS) == make_plan(1, 200, SLOTS)
    assert make_plan(1, 200, SLOTS) != make_plan(2, 200, SLOTS)


def test_every_kind_appears_and_by_its_weight() -> None:
    counts = Counter(fault.kind for fault in make_plan(7, 200, SLOTS))

    assert set(counts) == set(Kind)
    assert sum(counts.values()) == 200
    assert counts[Kind.KILL_SERVICE] == max(counts.values())
    total = sum(shape.weight for shape in SHAPES.values())
    for kind, shape in SHAPES.items():
        assert abs(counts[kind] - 1 - (200 - len(Kind)) * shape.weight / total) <= 1


def test_a_plan_has_as_many_faults_as_asked_for() -> None:
    for count in (0, 1, 5, len(Kind), len(Kind) + 1, 31, 1000):
        assert len(make_plan(3, count, SLOTS)) == count


def test_one_paused_process_is_paused_for_longer_than_its_session_lasts() -> None:
    for seed in range(5):
        pauses = [fault.seconds for fault in make_plan(seed, 60, SLOTS) if fault.kind is Kind.PAUSE_SERVICE]
        assert pauses.count(LONG_PAUSE_SECONDS) == 1


def test_faults_name_the_process_and_the_server_that_they_need() -> None:
    for fault in make_plan(11, 200, SLOTS):
        assert bool(fault.slot) == SHAPES[fault.kind].has_slot
        assert fault.slot in {"", *SLOTS}
        assert bool(fault.server) == SHAPES[fault.kind].has_server


def test_overlapping_faults_touch_different_things_and_come_in_pairs() -> None:
    plan = make_plan(5, 500, SLOTS)
    pairs = [(before, fault) for before, fault in itertools.pairwise(plan) if fault.overlaps]

    assert len(pairs) > 20
    for before, fault in pairs:
        assert not before.overlaps
        assert can_overlap(before, fault)
        assert before.kind is not fault.kind
        assert before.slot != fault.slot or not fault.slot


def test_kinds_that_this_machine_cannot_make_are_left_out() -> None:
    plan = make_plan(1, 100, SLOTS, without=NEEDS_VOLUMES)

    assert len(plan) == 100
    assert not {fault.kind for fault in plan} & set(NEEDS_VOLUMES)
