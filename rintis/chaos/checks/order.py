"""Our own topics: each key's numbers without gaps and rising once exact repeats are dropped, and one content per event."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rintis.chaos.evidence import Evidence, Row
from rintis.chaos.judgement import Trouble
from rintis.chaos.raw import Record


def check_sequences(evidence: Evidence) -> Iterator[Trouble]:
    """Yield what is wrong with numbers, contents and partitions of our events."""
    for topic, records in evidence.records.items():
        if not topic.startswith("intake."):
            yield from _check_contents(records)
            yield from _check_keys(topic, records)
    yield from _check_absent(evidence)


def _check_contents(records: Sequence[Record]) -> Iterator[Trouble]:
    """An event has one number and one content, however often it was relayed."""
    known: dict[str, Record] = {}
    for record in records:
        first = known.setdefault(record.id, record)
        if first.digest != record.digest or first.type != record.type:
            yield Trouble("doubled", "event_with_two_contents", record.id)
        elif first.sequence != record.sequence or first.key != record.key:
            yield Trouble("doubled", "event_said_twice", record.id)


def _check_keys(topic: str, records: Sequence[Record]) -> Iterator[Trouble]:
    partitions: dict[str, int] = {}
    met: dict[str, dict[int, str]] = {}
    for record in records:
        if partitions.setdefault(record.key, record.partition) != record.partition:
            yield Trouble("out_of_order", "key_in_two_partitions", f"{topic} {record.key}")
        numbers = met.setdefault(record.key, {})
        if record.sequence in numbers:
            if numbers[record.sequence] != record.id:
                yield Trouble("doubled", "one_number_for_two_events", record.id)
            continue
        if record.sequence != len(numbers) + 1:
            yield Trouble("out_of_order", "number_out_of_turn", f"{topic} {record.key} {record.sequence}")
        numbers[record.sequence] = record.id


def _check_absent(evidence: Evidence) -> Iterator[Trouble]:
    """Numbers that were given out, and whose events are neither on the topic nor on their way there."""
    leaving = {(row["topic"], row["key"], row["sequence"]) for row in evidence.rows("outbox")}
    given: dict[str, list[Row]] = {}
    for row in evidence.rows("sequences"):
        given.setdefault(row["topic"], []).append(row)
    # Topic by topic: all numbers of a long run at once would not fit into memory beside the records.
    for topic, rows in given.items():
        there = {(record.key, record.sequence) for record in evidence.on(topic)}
        for row in rows:
            key = row["key"]
            for number in range(1, row["last"] + 1):
                if (key, number) not in there and (topic, key, number) not in leaving:
                    yield Trouble("lost", "event_never_on_topic", f"{topic} {key} {number}")
