"""What was acknowledged against what came in: every event has a row with a verdict, or is a dead letter."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from rintis.chaos.evidence import Evidence
from rintis.chaos.identities import reference_id_of, submission_id_of
from rintis.chaos.judgement import Trouble
from rintis.chaos.raw import Record

READERS = {
    "intake.registrations": "registration",
    "intake.layoffs": "registration",
    "intake.permits": "reporting",
    "intake.filings": "reporting",
}


def check_doors(evidence: Evidence) -> Iterator[Trouble]:
    """Yield what was taken and not accounted for, or accounted for twice."""
    yield from _check_log(evidence)
    yield from _check_records(evidence)
    yield from _check_http(evidence)
    yield from _check_dead(evidence)


def submission_of(record: Record) -> str:
    """Return what a record of the intake is recognised by."""
    return submission_id_of(record.topic.rsplit(".", 1)[-1], record.source, record.id)


def _check_log(evidence: Evidence) -> Iterator[Trouble]:
    """What Kafka acknowledged lies on its topic."""
    names = {(r.topic.rsplit(".", 1)[-1], r.source, r.id) for family in READERS for r in evidence.family(family)}
    sent = {event.number: event for event in evidence.sent if event.door == "kafka"}
    for number in {taken.number for taken in evidence.acknowledged} & sent.keys():
        if sent[number].name not in names:
            yield Trouble("lost", "acknowledged_without_record", sent[number].id)


def _check_records(evidence: Evidence) -> Iterator[Trouble]:
    """Every record of the intake has its row, or was set aside."""
    known = {row["submission_id"] for table in ("submissions", "permit_news", "filings") for row in evidence.rows(table)}
    for family, service in READERS.items():
        for record in evidence.family(family):
            if submission_of(record) not in known and not evidence.is_excused(service, record):
                yield Trouble("lost", "record_unaccounted_for", f"{record.topic}/{record.partition}/{record.offset} {record.id}")


def _check_http(evidence: Evidence) -> Iterator[Trouble]:
    """What HTTP answered with 202 has one row, and an event by either door has no second one."""
    events = [event for event in evidence.sent if event.kind in {"registration", "poison"}]
    rows = Counter(row["reference_id"] for row in evidence.rows("submissions") if row["kind"] == "registration")
    meant = Counter(reference_id_of(event.publisher, event.reference) for event in events)
    taken = {answer.number for answer in evidence.acknowledged}
    for event in events:
        reference_id = reference_id_of(event.publisher, event.reference)
        if event.door == "http" and event.number in taken and not rows[reference_id]:
            yield Trouble("lost", "answered_202_without_submission", event.reference)
    for reference_id, count in rows.items():
        if count > meant[reference_id] > 0:
            yield Trouble("doubled", "submission_twice", reference_id)


def _check_dead(evidence: Evidence) -> Iterator[Trouble]:
    """A record is set aside once, never after it was acted on, and only for what is wrong with it."""
    accepted = {row["submission_id"] for row in evidence.rows("submissions") if row["verdict"] == "accepted"}
    good = {event.name for event in evidence.sent if event.kind != "poison"}
    by_place = {record.place: record for family in READERS for record in evidence.family(family)}
    times = Counter(
        (row["consumer"], row["topic"], row["partition"], row["record_offset"]) for row in evidence.rows("dead_letters")
    )
    for (consumer, *place), count in times.items():
        record = by_place.get((place[0], place[1], place[2]))
        name = f"{consumer}: {place[0]}/{place[1]}/{place[2]}"
        if count > 1:
            yield Trouble("doubled", "dead_letter_twice", name)
        if record is None:
            yield Trouble("unexpected_dead_letters", "own_event_set_aside", name)
        elif submission_of(record) in accepted:
            yield Trouble("doubled", "dead_letter_of_accepted_event", record.id)
        elif (record.topic.rsplit(".", 1)[-1], record.source, record.id) in good:
            yield Trouble("unexpected_dead_letters", "good_event_set_aside", record.id)
