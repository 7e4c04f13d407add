"""What is still on its way after it had time to settle."""

from __future__ import annotations

from collections.abc import Iterator

from rintis.chaos.evidence import Evidence
from rintis.chaos.judgement import Trouble


def check_waiting(evidence: Evidence) -> Iterator[Trouble]:
    """Yield what is stuck, and where."""
    for row in evidence.rows("outbox"):
        yield Trouble("stuck", "event_in_outbox", f"{row['topic']} {row['event_id']}")
    for row in evidence.rows("gates"):
        # A key is the publisher's own word on the intake, and might name somebody: the gate is named by its reason there.
        key = row["reason"] if row["topic"].startswith("intake.") else row["key"]
        yield Trouble("stuck", "gate_held" if row["is_held"] else "gate_open", f"{row['consumer']} {row['topic']} {key}")
    yield from _check_inside(evidence)
    yield from _check_unread(evidence)


def _check_inside(evidence: Evidence) -> Iterator[Trouble]:
    """Rows of the services' own that have not reached a final state."""
    open_states: dict[str, tuple[str, str, set[object]]] = {
        "seat_requests": ("request_id", "state", {"requested"}),
        "messages": ("id", "state", {"waiting"}),
        "submissions": ("submission_id", "verdict", {None}),
        "filings": ("filing_id", "is_waiting", {True}),
    }
    for table, (id_, column, values) in open_states.items():
        for row in evidence.rows(table):
            if row[column] in values:
                yield Trouble("stuck", f"{table}_open", row[id_])


def _check_unread(evidence: Evidence) -> Iterator[Trouble]:
    """Records behind which a consumer's position stands."""
    read: dict[str, dict[tuple[str, int], int]] = {}
    for row in evidence.rows("positions"):
        read.setdefault(row["consumer"], {})[row["topic"], row["partition"]] = row["next_offset"]
    ends = {(r.topic, r.partition): r.offset + 1 for records in evidence.records.values() for r in records}
    for consumer, positions in read.items():
        topics = {topic for topic, _ in positions}
        for (topic, partition), end in ends.items():
            unread = end - positions.get((topic, partition), 0)
            if topic in topics and unread > 0:
                yield Trouble("stuck", "records_unread", f"{consumer} {topic}/{partition}: {unread}")
