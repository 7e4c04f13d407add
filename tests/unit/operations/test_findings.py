from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest

from rintis.commands.queues import in_words
from rintis.operations.edges import EDGES
from rintis.operations.findings import Finding, Verdict, classify, name_ids
from rintis.operations.inside import PROVEN, PROVEN_NEWS, STATE
from rintis.operations.queues import drain_seconds
from rintis.runtime.databases import SERVICES
from shared.contracts.envelope import hash64
from shared.storage import load_queries

IDS = [uuid4() for _ in range(50)]


@pytest.mark.parametrize("lost", [IDS[:1], IDS[7:8], IDS[3:5], [IDS[0], IDS[49]]])
def test_the_one_or_two_events_behind_a_difference_of_sums_are_named(lost: list[UUID]) -> None:
    assert set(name_ids(IDS, sum(map(hash64, lost)))) == set(lost)


def test_an_event_that_is_not_on_the_log_is_not_named() -> None:
    assert name_ids(IDS, hash64(uuid4())) == []


def test_anything_missing_double_or_stuck_spoils_a_verdict_and_the_dead_do_not() -> None:
    assert Verdict(dead=3).is_clean
    for kind in ("missing", "double", "stuck"):
        verdict = Verdict(findings=[Finding(kind, "there", 2, datetime(2020, 5, 11, tzinfo=UTC))])
        assert not verdict.is_clean
        assert verdict.as_dict()[kind] == 2


@pytest.mark.parametrize(
    ("kind", "failure"),
    [
        ("seat_double", "double"),
        ("seats_miscounted", "double"),
        ("review_missing", "missing"),
        ("confirmed_without_request", "missing"),
        ("message_unproven", "missing"),
        ("registration_unsaid", "missing"),
        ("submission_undecided", "missing"),
        ("offer_overdue", "stuck"),
        ("message_unsettled", "stuck"),
    ],
)
def test_a_services_own_finding_is_one_of_the_three_failures(kind: str, failure: str) -> None:
    assert classify(kind) == failure


@pytest.mark.parametrize("service", SERVICES)
def test_every_service_has_statements_of_its_own_that_name_what_is_broken(service: str) -> None:
    statements = load_queries(f"services.{service}", "audit.sql")

    finding = [text for name, text in statements.items() if name not in STATE]
    assert finding
    assert set(STATE) - {PROVEN, PROVEN_NEWS} <= set(statements)
    assert all(f" as {column}" in text for text in finding for column in ("kind", "subject", "since", "detail"))


def test_every_queue_has_a_name_in_the_words_of_the_work() -> None:
    assert len({edge.group for edge in EDGES}) == len(EDGES)
    assert all(edge.words for edge in EDGES)


@pytest.mark.parametrize(("seconds", "words"), [(0.4, "0 s"), (59, "59 s"), (90, "1.5 min"), (5400, "1.5 h"), (129600, "1.5 d")])
def test_spans_are_told_as_people_say_them(seconds: float, words: str) -> None:
    assert in_words(seconds) == words


@pytest.mark.parametrize(("waiting", "rate", "seconds"), [(0, 0.0, 0.0), (10, 0.0, None), (10, 2.0, 5.0)])
def test_a_queue_is_empty_in_what_waits_by_the_rate_and_never_while_nothing_moves(
    waiting: int, rate: float, seconds: float | None
) -> None:
    assert drain_seconds(waiting, rate) == seconds
