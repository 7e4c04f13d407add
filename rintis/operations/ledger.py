"""The flow ledger as an audit reads it: sums per minute of who said and who heard what."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from rintis.operations.log import Partition
from shared.storage import Tx, load_queries

SQL = load_queries("rintis.operations", "audit.sql")

Lane = tuple[str, str]
"""Who, and on which topic."""


class Sums(NamedTuple):
    """How many events, and the sum of the numbers that stand for them."""

    events: int
    hash_sum: int

    def plus(self, other: Sums) -> Sums:
        """Return both together."""
        return Sums(self.events + other.events, self.hash_sum + other.hash_sum)


NONE = Sums(0, 0)
Minutes = dict[datetime, Sums]


@dataclass(frozen=True, slots=True)
class Totals:
    """What a service's whole ledger amounts to."""

    by_lane: dict[tuple[str, str, str], Sums] = field(default_factory=dict)
    """By direction, party and topic, without copies."""
    by_partition: dict[tuple[str, str, int], int] = field(default_factory=dict)
    """Records by consumer, topic and partition, copies included."""
    accepted: int = 0


NOT_ACCEPTED = frozenset({"refused", "dead", "repeat", "duplicate", "parked", "malformed", "undecided", "ignored"})


def add_up(rows: Iterable[Any]) -> Totals:
    """Return totals of a ledger's rows by direction, party, topic, partition and outcome."""
    lanes: dict[tuple[str, str, str], Sums] = {}
    partitions: dict[tuple[str, str, int], int] = {}
    accepted = 0
    for row in rows:
        direction, party, topic, events = row["direction"], row["party"], row["topic"], row["events"]
        if row["outcome"] != "repeat":
            lane = (direction, party, topic)
            lanes[lane] = lanes.get(lane, NONE).plus(Sums(events, int(row["hash_sum"])))
        if direction == "heard":
            place = (party, topic, row["partition"])
            partitions[place] = partitions.get(place, 0) + events
        if (direction == "door" or topic.startswith("intake.")) and row["outcome"] not in NOT_ACCEPTED:
            accepted += events
    return Totals(lanes, partitions, accepted)


async def find_changed(tx: Tx, direction: str, fold: int) -> dict[Lane, Minutes]:
    """Return the minutes that were written to after a fold, as they are now; all of them where there is none to go on from."""
    if fold < 0:
        return _by_lane(await tx.fetch(SQL["find_everything"], direction))
    return _by_lane(await tx.fetch(SQL["find_changed"], direction, fold))


async def find_minutes(tx: Tx, direction: str, wanted: Mapping[Lane, Collection[datetime]]) -> dict[Lane, Minutes]:
    """Return named minutes as they are now; one that nothing is left of is absent."""
    named = [(party, topic, minute) for (party, topic), minutes in wanted.items() for minute in minutes]
    if not named:
        return {}
    parties, topics, minutes = zip(*named, strict=True)
    return _by_lane(await tx.fetch(SQL["find_minutes"], direction, parties, topics, minutes))


async def find_all_minutes(tx: Tx, direction: str, lane: Lane) -> Minutes:
    """Return every minute of a lane."""
    return _by_lane(await tx.fetch(SQL["find_all_minutes"], direction, *lane)).get(lane, {})


async def find_positions(tx: Tx) -> dict[str, dict[Partition, int]]:
    """Return how far each consumer of a service has come."""
    found: dict[str, dict[Partition, int]] = {}
    for row in await tx.fetch(SQL["find_positions"]):
        found.setdefault(row["consumer"], {})[row["topic"], row["partition"]] = row["next_offset"]
    return found


def _by_lane(rows: Iterable[Any]) -> dict[Lane, Minutes]:
    lanes: dict[Lane, Minutes] = {}
    for row in rows:
        sums = Sums(row["events"], int(row["hash_sum"]))
        if sums != NONE:
            lanes.setdefault((row["party"], row["topic"]), {})[row["minute"]] = sums
    return lanes
