from uuid import UUID, uuid4

import pytest

from rintis.bench.feeder import Published
from rintis.bench.growth import memory_of, moment_of, part_cpu, part_rates, scale, summarise
from rintis.bench.latency import by_second, percentiles, plan, scheduled
from rintis.bench.reconciling import Expected, weigh
from rintis.bench.sampling import Sample, backend_name

COUNTS = {
    "submissions": 100,
    "accepted": 95,
    "refused": 2,
    "duplicates": 3,
    "decisions": 95,
    "requests": 60,
    "reviews": 5,
    "registered": 95,
    "decided": 95,
    "placed": 60,
    "tasks": 5,
}
CLEAN = {"missing": 0, "double": 0, "stuck": 0, "in_flight": 0, "dead": 0}
EXPECTED = Expected(published=100, bad=2, repeats=3)


def test_what_is_as_it_must_be_is_clean() -> None:
    assert weigh(EXPECTED, COUNTS, CLEAN).is_clean


@pytest.mark.parametrize(
    ("counts", "audit", "kind"),
    [
        ({"submissions": 99, "refused": 1}, {}, "lost"),
        ({"decisions": 94, "decided": 94}, {}, "lost"),
        ({"tasks": 4}, {}, "lost"),
        ({"placed": 61}, {}, "doubled"),
        ({"accepted": 96, "duplicates": 2, "decisions": 96, "registered": 96, "decided": 96}, {}, "doubled"),
        ({}, {"missing": 1}, "lost"),
        ({}, {"double": 1}, "doubled"),
        ({}, {"stuck": 1}, "stuck"),
        ({}, {"in_flight": 1}, "stuck"),
        ({}, {"dead": 1}, "dead"),
    ],
)
def test_whatever_is_lost_doubled_stuck_or_dead_is_named(counts: dict[str, int], audit: dict[str, int], kind: str) -> None:
    found = weigh(EXPECTED, COUNTS | counts, CLEAN | audit)
    assert getattr(found, kind) == 1
    assert not found.is_clean


def test_an_audit_that_could_not_look_is_not_clean() -> None:
    assert not weigh(EXPECTED, COUNTS, {"error": "no server"}).is_clean


def test_percentiles_are_values_that_occurred() -> None:
    found = percentiles([number / 1000 for number in range(1, 101)])
    assert found == {"p50": 50.0, "p90": 90.0, "p99": 99.0, "max": 100.0}
    assert percentiles([]) == {}


def test_a_load_is_a_share_of_the_top_rate() -> None:
    assert [(pace.percent, pace.per_second) for pace in plan((10, 80), 1000.0)] == [(10, 100.0), (80, 800.0)]


def test_a_registration_is_late_from_the_time_at_which_it_was_to_come() -> None:
    ids = [UUID(int=number) for number in range(3)]
    assert scheduled(ids, Published(100.0, 200.0, 5.0), 2.0) == {ids[0]: 100.0, ids[1]: 100.5, ids[2]: 101.0}


def test_a_pulse_becomes_registrations_of_which_the_last_is_done_at_the_end() -> None:
    assert scale([(0.0, 10), (1.0, 40), (2.0, 70), (9.0, 70)], 100, 2.5) == [(0.0, 0.0), (1.0, 50.0), (2.5, 100.0)]


def test_each_part_has_its_rate_and_the_wait_for_the_first_row_is_no_part_of_it() -> None:
    done = [(0.0, 0.0), (5.0, 0.0), (6.0, 10.0), (7.0, 20.0), (17.0, 100.0)]
    assert moment_of(done, 0) == 5.0
    assert part_rates(done, 100)[:2] == [10.0, 10.0]
    assert part_rates(done, 100)[2:] == [8.0] * 8


def test_memory_is_measured_against_its_median() -> None:
    samples = [Sample(float(at), {}, {"registration": size << 20}) for at, size in enumerate((50, 100, 110, 100, 100))]
    assert memory_of(samples, 1.0, ["registration", "none"]) == {
        "registration": {"first": 100.0, "last": 100.0, "deviation": 0.1}
    }


def test_waits_are_told_by_the_second_in_which_they_began() -> None:
    ids = [uuid4() for _ in range(4)]
    due = dict(zip(ids, (10.0, 10.9, 11.0, 12.5), strict=True))

    assert by_second({ids[0]: 0.1, ids[1]: 0.3, ids[3]: 2.0}, due, 10.0) == [100.0, 2000.0]


def test_growth_is_summed_up() -> None:
    done = [(0.0, 0.0), (10.0, 50.0), (30.0, 100.0)]
    found = summarise(done, 100, [], [], {"audit": 0.3})
    assert found["last_to_first"] == 0.5
    assert found["audit_share"] == 0.01


def test_what_each_part_of_a_growing_run_cost_is_told_by_process() -> None:
    done = [(0.0, 0.0), (10.0, 50.0), (30.0, 100.0)]
    samples = [
        Sample(0.0, {"registration": 1.0}, {}),
        Sample(10.0, {"registration": 3.0}, {}),
        Sample(30.0, {"registration": 9.0, "late": 1.0}, {}),
    ]

    cost = part_cpu(done, 100, samples)

    assert cost["registration"][:2] == [40.0, 40.0]
    assert cost["registration"][-1] == 120.0
    assert sum(cost["late"]) == pytest.approx(100.0)


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("postgres: registration rintis_registration 127.0.0.1(1) idle", "postgres registration"),
        ("postgres: autovacuum worker rintis_keys", "postgres vacuum"),
        ("postgres: audit rintis_registration 127.0.0.1(1) SELECT", "postgres audit"),
        ("postgres: audit rintis_audit 127.0.0.1(1) idle", "postgres audit"),
        ("postgres: postgres floor 127.0.0.1(1) INSERT", "postgres floor"),
        ("postgres: walwriter ", "postgres background"),
        ("/usr/bin/postgres -D data", "postgres"),
    ],
)
def test_a_backend_is_counted_under_its_database(title: str, name: str) -> None:
    assert backend_name(title) == name
