"""Seats: never more than there are, never two for one person; by the tables and by what was said on the topic."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from rintis.chaos.evidence import Evidence
from rintis.chaos.judgement import Trouble, repeated

HOLDING = frozenset({"offered", "accepted"})


def check_seats(evidence: Evidence) -> Iterator[Trouble]:
    """Yield seats that were given twice."""
    active = [row for row in evidence.rows("offers") if row["state"] in HOLDING]
    held = Counter(row["incubator"] for row in active)
    said = _said_to_hold(evidence)
    by_topic = Counter(incubator for _, incubator in said.values())
    for row in evidence.rows("incubators"):
        code, seats = row["code"], row["seats"]
        if max(row["taken"], held[code]) > seats:
            yield Trouble("overbooked", "more_taken_than_there_are", code)
        elif by_topic[code] > seats:
            yield Trouble("overbooked", "more_offered_on_topic_than_there_are", code)
        if row["taken"] != held[code]:
            yield Trouble("overbooked", "taken_differs_from_offers", code)
    yield from repeated("overbooked", "person_with_two_seats", (row["worker_id"] for row in active))
    yield from repeated("overbooked", "person_with_two_seats_on_topic", (worker for worker, _ in said.values()))


def _said_to_hold(evidence: Evidence) -> dict[str, tuple[str, str]]:
    """Return worker and incubator of each offer that holds a seat after all that was said of it."""
    said: dict[str, tuple[str, str]] = {}
    for record in evidence.on("eligibility.placements"):
        offer = record.body.get("offer_id")
        if offer is None:
            continue
        if record.fact.split(".")[-1] in HOLDING:
            said[offer] = (record.key, record.body["incubator"])
    for record in evidence.on("eligibility.placements"):
        if record.fact.split(".")[-1] not in HOLDING:
            said.pop(record.body.get("offer_id", ""), None)
    return said
