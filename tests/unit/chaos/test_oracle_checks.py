from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from rintis.chaos.evidence import Evidence
from rintis.chaos.identities import submission_id_of
from rintis.chaos.judgement import Kind
from rintis.chaos.oracle import weigh
from shared.contracts.envelope import Envelope
from shared.messaging.records import seen_id
from tests.unit.chaos.chaos_evidence import INTAKE, PEOPLE, Change, a_message, a_run, intake, own, with_table, with_topic

Damage = tuple[Kind, str, str, Change]

WORKERS, DECISIONS, PLACEMENTS, FATES = (
    "registration.workers",
    "eligibility.decisions",
    "eligibility.placements",
    "notification.messages",
)


def change_first(**values: Any) -> Change:
    return lambda rows: rows[0].update(values)


def again(**values: Any) -> Change:
    """Return what puts the first line there once more, somewhat changed, behind all others."""
    return lambda lines: lines.append(replace(lines[0], offset=len(lines), **values))


TABLES: list[Damage] = [
    ("lost", "record_unaccounted_for", "submissions", lambda rows: rows.pop(0)),
    ("lost", "answered_202_without_submission", "submissions", lambda rows: rows.pop(1)),
    ("lost", "accepted_without_registration", "registrations", list.clear),
    ("lost", "event_without_decision", "decisions", list.clear),
    ("lost", "confirmed_without_request", "seat_requests", list.clear),
    ("lost", "review_missing", "decisions", change_first(review_id=None, review=None)),
    ("lost", "decision_not_in_status", "statuses", list.clear),
    ("lost", "event_without_message", "messages", lambda rows: rows.pop()),
    ("lost", "review_without_task", "tasks", list.clear),
    ("lost", "filing_not_counted", "periods", list.clear),
    ("lost", "record_unaccounted_for", "permit_news", lambda rows: rows.pop()),
    ("lost", "sms_called_sent_never_taken", "messages", lambda rows: rows.append(a_message("m9", "e-9", "v", "refused.v1"))),
    ("doubled", "submission_twice", "submissions", lambda rows: rows.append(rows[1] | {"submission_id": "s-9"})),
    ("doubled", "one_person_accepted_twice", "submissions", lambda rows: rows[1].update(verdict="accepted")),
    ("doubled", "person_registered_twice", "registrations", lambda rows: rows.append(rows[0])),
    ("doubled", "decided_twice", "decisions", lambda rows: rows.append(rows[0] | {"decision_id": "d2"})),
    ("doubled", "event_with_two_messages", "messages", lambda rows: rows.append(rows[0] | {"id": "m9"})),
    ("doubled", "case_with_two_tasks", "tasks", lambda rows: rows.append(rows[0] | {"id": "t2"})),
    ("doubled", "filing_counted_twice", "periods", change_first(versions=2)),
    ("doubled", "filing_kept_twice", "filings", lambda rows: rows.append(rows[0] | {"filing_id": "f2"})),
    ("out_of_order", "older_decision_in_status", "statuses", change_first(decision="review_asked")),
    ("out_of_order", "older_news_stands_in_permit", "permits", change_first(workers=100)),
    ("out_of_order", "change_refused_though_issued_before", "permit_news", lambda rows: rows[1].update(outcome="refused")),
    ("overbooked", "more_taken_than_there_are", "incubators", change_first(seats=0)),
    ("overbooked", "taken_differs_from_offers", "incubators", change_first(taken=0)),
    ("overbooked", "person_with_two_seats", "offers", lambda rows: rows.append(rows[0] | {"offer_id": "o2", "incubator": "J"})),
    ("stuck", "seat_requests_open", "seat_requests", change_first(state="requested")),
    ("stuck", "messages_open", "messages", change_first(state="waiting")),
    ("stuck", "submissions_open", "submissions", change_first(verdict=None)),
    ("stuck", "filings_open", "filings", change_first(state="held", is_waiting=True)),
    ("stuck", "records_unread", "positions", change_first(next_offset=0)),
    (
        "stuck",
        "event_in_outbox",
        "outbox",
        lambda rows: rows.append({"topic": WORKERS, "key": "w", "sequence": 2, "event_id": "e"}),
    ),
    (
        "stuck",
        "gate_held",
        "gates",
        lambda rows: rows.append({"consumer": "x", "topic": WORKERS, "key": "w", "is_held": True, "reason": "r", "parked": 1}),
    ),
    ("superseded_messages", "sent_after_newer_was_known", "messages", change_first(newer=True)),
    ("duplicate_messages", "sms_that_nobody_meant", "messages", lambda rows: rows.pop()),
    (
        "duplicate_messages",
        "told_twice_of_registration",
        "messages",
        lambda rows: rows.append(a_message("m9", "e-9", "w", "registered.v1", state="skipped", channel=None)),
    ),
    ("unknown_messages", "sms_taken", "messages", change_first(state="unknown")),
    ("unknown_messages", "sms_called_failed_yet_taken", "messages", change_first(state="failed")),
]
TOPICS: list[Damage] = [
    ("lost", "acknowledged_without_record", INTAKE[0], list.clear),
    ("lost", "registration_without_event", WORKERS, list.clear),
    ("lost", "event_never_on_topic", WORKERS, list.clear),
    ("lost", "decision_without_event", DECISIONS, list.clear),
    ("lost", "placement_without_event", PLACEMENTS, list.clear),
    ("lost", "message_without_event", FATES, lambda lines: lines.pop()),
    ("lost", "task_without_event", "notification.tasks", list.clear),
    ("lost", "filing_without_event", "reporting.filings", list.clear),
    ("doubled", "event_with_two_contents", WORKERS, again(digest="other")),
    ("doubled", "event_said_twice", WORKERS, again(sequence=2)),
    ("doubled", "one_number_for_two_events", WORKERS, again(id="e-other")),
    ("doubled", "decision_said_twice", DECISIONS, again(id="e-third", sequence=3)),
    ("doubled", "fate_said_twice", FATES, again(id="e-other", sequence=6)),
    ("doubled", "filing_said_twice", "reporting.filings", again(id="e-other", sequence=2)),
    ("out_of_order", "number_out_of_turn", DECISIONS, list.reverse),
    ("out_of_order", "key_in_two_partitions", WORKERS, again(partition=1)),
    (
        "overbooked",
        "person_with_two_seats_on_topic",
        PLACEMENTS,
        lambda lines: lines.append(
            own(PLACEMENTS, 1, "w", "e-2", "placement.offered", sequence=2, request_id="q", offer_id="o2", incubator="J")
        ),
    ),
    (
        "overbooked",
        "more_offered_on_topic_than_there_are",
        PLACEMENTS,
        lambda lines: lines.append(
            own(PLACEMENTS, 1, "v", "e-2", "placement.offered", request_id="q2", offer_id="o2", incubator="I")
        ),
    ),
    ("stuck", "records_unread", INTAKE[2], again(id="filing-9")),
]


def found(evidence: Evidence) -> set[tuple[str, str]]:
    return {(trouble.kind, trouble.what) for trouble in weigh(evidence).found}


def test_a_run_in_which_nothing_is_wrong_is_clean() -> None:
    judgement = weigh(a_run())

    assert judgement.is_clean
    assert judgement.found == []
    assert judgement.accepted == 2


@pytest.mark.parametrize(("kind", "what", "table", "change"), TABLES, ids=[f"{d[1]}-in-{d[2]}" for d in TABLES])
def test_damage_of_a_table_is_reported_by_its_kind(kind: Kind, what: str, table: str, change: Change) -> None:
    assert (kind, what) in found(with_table(a_run(), table, change))


@pytest.mark.parametrize(("kind", "what", "topic", "change"), TOPICS, ids=[f"{d[1]}-on-{d[2]}" for d in TOPICS])
def test_damage_of_a_topic_is_reported_by_its_kind(kind: Kind, what: str, topic: str, change: Change) -> None:
    assert (kind, what) in found(with_topic(a_run(), topic, change))


def test_an_exact_repeat_on_our_topics_is_no_trouble() -> None:
    assert weigh(with_topic(a_run(), "notification.tasks", again())).found == []


def test_a_copy_of_an_event_from_outside_is_no_trouble() -> None:
    evidence = with_topic(a_run(), INTAKE[1], again())

    assert weigh(with_table(evidence, "positions", read_to_the_end)).found == []


def read_to_the_end(rows: list[dict[str, Any]]) -> None:
    for row in rows:
        row["next_offset"] = 9


@pytest.mark.parametrize(
    ("names", "what"),
    [(["m0", "m0", "m1", "m2", "m3", "m4"], "duplicate_messages"), (["m0", "m2", "m1", "m3", "m4"], "out_of_order")],
)
def test_what_a_provider_took_twice_or_out_of_turn_is_reported(names: list[str], what: Kind) -> None:
    assert weigh(replace(a_run(), sms=names)).count(what) == 1


def test_mail_is_known_by_its_message_id() -> None:
    evidence = with_table(a_run(), "messages", lambda rows: [row.update(channel="email") for row in rows])
    mail = [f"<m{n}@rintis.example>" for n in (0, 1, 2, 3, 4, 4)]

    assert found(replace(evidence, sms=(), mail=mail)) == {("duplicate_messages", "email_taken_twice")}


def test_a_record_behind_a_gate_or_unread_is_stuck_and_not_lost() -> None:
    unread = with_table(with_table(a_run(), "submissions", lambda rows: rows.pop(0)), "registrations", list.clear)
    place = {"consumer": "registration.x", "topic": INTAKE[0], "partition": 0, "record_offset": 0}
    parked = with_table(unread, "parked", lambda rows: rows.append(place))

    assert ("lost", "record_unaccounted_for") in found(unread)
    assert ("lost", "record_unaccounted_for") not in found(parked)


@pytest.mark.parametrize(
    ("id_", "expected"), [("poison-9", set()), ("registration-9", {("unexpected_dead_letters", "good_event_set_aside")})]
)
def test_only_what_breaks_the_contract_may_be_set_aside(id_: str, expected: set[tuple[str, str]]) -> None:
    kind: Any = id_.split("-", maxsplit=1)[0]
    evidence = a_run()
    evidence = replace(evidence, sent=[*evidence.sent, replace(evidence.sent[0], number=9, id=id_, kind=kind, reference="ref-9")])
    evidence = with_topic(
        evidence, INTAKE[0], lambda lines: lines.append(intake(INTAKE[0], 1, "ref-9", id_, "registration.submitted"))
    )
    letter = {"consumer": "registration.x", "topic": INTAKE[0], "partition": 0, "record_offset": 1}
    evidence = with_table(evidence, "dead_letters", lambda rows: rows.append(letter))

    assert found(with_table(evidence, "positions", read_to_the_end)) == expected


def test_each_kind_has_named_examples_and_no_more_than_a_few() -> None:
    def many(rows: list[dict[str, Any]]) -> None:
        rows += [{"topic": WORKERS, "key": f"k{n}", "sequence": 1, "event_id": f"e{n}"} for n in range(50)]

    judgement = weigh(with_table(a_run(), "outbox", many))

    assert judgement.count("stuck") == 50
    assert judgement.as_dict()["found"][0]["examples"] == [f"{WORKERS} e{n}" for n in range(5)]


def test_the_published_rule_of_ids_gives_what_the_services_derive() -> None:
    envelope = Envelope("registration-0", PEOPLE, "id.rintis.intake.registration.submitted.v1", datetime.now(UTC))

    assert str(seen_id(envelope, "kemnaker")) == submission_id_of("kemnaker", PEOPLE, "registration-0")
