"""The first and the last statement of a batch: locks and what has to be known, position and what has to be remembered.

One round trip each: small batches are made of round trips.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from shared.messaging.items import Item, Key
from shared.messaging.outcomes import IGNORED, REPEAT, Handled
from shared.messaging.positions import Partition, Positions
from shared.storage import Heard, Tx, load_queries
from shared.storage.flow import cells_of

SQL = load_queries("shared.storage")

WITHOUT_EFFECT = frozenset({REPEAT.name, IGNORED.name})
"""Names of what is handled by doing nothing."""


class Numbers(NamedTuple):
    """A key's last number that was met, and the last that had an effect."""

    met: int
    applied: int | None


@dataclass(frozen=True, slots=True)
class Opened:
    """What is known once the positions are locked: the records that are new, the keys that have to wait, the keys' numbers."""

    fresh: Sequence[Item]
    gated: set[Key]
    numbers: dict[Key, Numbers]


@dataclass(slots=True)
class _Seen:
    """What the first statement saw of one consumer."""

    known: dict[Partition, int] = field(default_factory=dict)
    numbers: dict[Key, Numbers] = field(default_factory=dict)
    is_read_again: bool = False


async def open_batch(tx: Tx, positions: Positions, items: Sequence[Item]) -> Opened:
    """Lock the positions of one consumer's batch and read what its records are judged by. Raises DatabaseRestored."""
    return (await open_batches(tx, [(positions, items)]))[0]


async def open_batches(tx: Tx, parts: Sequence[tuple[Positions, Sequence[Item]]]) -> list[Opened]:
    """Lock the positions of several consumers' batches and read what their records are judged by. Raises DatabaseRestored.

    The statement sees the database as it was when it began, which is before it may have waited for a lock. Where the locked rows
    are not those that it saw, or a gate is there that has to be locked too, a consumer's keys are read once more.
    """
    held = [(p.consumer, *partition) for p, items in parts for partition in sorted({item.partition for item in items})]
    lanes = [(p.consumer, *lane) for p, items in parts for lane in dict.fromkeys([item.lane for item in items])]
    seen = {positions.consumer: _Seen() for positions, _ in parts}
    rows = await tx.fetch(SQL["open_batch"], *_columns(held, 3), *_columns(lanes, 3))
    for kind, consumer, topic, partition, key, number, applied, has_moved in rows:
        if kind == "key":
            seen[consumer].numbers[topic, key] = Numbers(number, applied)
        elif kind == "position":
            seen[consumer].known[topic, partition] = number
            seen[consumer].is_read_again |= has_moved
        else:
            seen[consumer].is_read_again = True
    return [await _judge(tx, positions, items, seen[positions.consumer]) for positions, items in parts]


async def _judge(tx: Tx, positions: Positions, items: Sequence[Item], seen: _Seen) -> Opened:
    fresh = positions.fence(items, sorted({item.partition for item in items}), seen.known)
    if not seen.is_read_again:
        return Opened(fresh, set(), seen.numbers)
    if not fresh:
        return Opened(fresh, set(), {})
    gated = await lock_gates(tx, positions.consumer, {item.lane for item in fresh})
    return Opened(fresh, gated, await find_numbers(tx, positions.consumer, {item.lane for item in fresh}))


async def lock_gates(tx: Tx, consumer: str, lanes: Collection[Key]) -> set[Key]:
    """Return which of the keys have to wait, and keep their gates from being released meanwhile."""
    rows = await tx.fetch(SQL["lock_gates"], consumer, *_columns(sorted(lanes), 2))
    return {(row["topic"], row["key"]) for row in rows}


async def find_numbers(tx: Tx, consumer: str, lanes: Collection[Key]) -> dict[Key, Numbers]:
    """Return the numbers of keys; one that was never met is left out."""
    return _numbers(await tx.fetch(SQL["find_heard"], consumer, *_columns(sorted(lanes), 2)))


@dataclass(frozen=True, slots=True)
class Closing:
    """What is to be remembered of one consumer's batch: its keys' numbers, what the flow ledger counts, where it reads on."""

    consumer: str
    numbers: Mapping[Key, Numbers]
    counted: Sequence[Heard]
    ends: Mapping[Partition, tuple[int, Any]]


async def close_batches(tx: Tx, parts: Sequence[Closing]) -> None:
    """Remember the keys' numbers, count for the flow ledger, and move the positions: the last statement before the commit."""
    await tx.execute(
        SQL["close_batch"],
        *_columns([(part.consumer, *lane, *number) for part in parts for lane, number in part.numbers.items()], 5),
        *_columns([(part.consumer, *cell) for part in parts for cell in cells_of(part.counted)], 7),
        *_columns([(part.consumer, *partition, *end) for part in parts for partition, end in part.ends.items()], 5),
    )


def last_numbers(items: Iterable[Item]) -> dict[Key, Numbers]:
    """Return per key the last number met, and the last that had an effect."""
    last: dict[Key, Numbers] = {}
    for item in items:
        if item.sequence is None:
            continue
        number = item.sequence
        applied = number if _has_effect(item) else None
        if before := last.get(item.lane):
            number = max(number, before.met)
            applied = before.applied if applied is None or (before.applied or 0) > applied else applied
        last[item.lane] = Numbers(number, applied)
    return last


def _has_effect(item: Item) -> bool:
    return isinstance(item.outcome, Handled) and item.outcome.name not in WITHOUT_EFFECT


def _numbers(rows: Iterable[Any]) -> dict[Key, Numbers]:
    return {(row["topic"], row["key"]): Numbers(row["number"], row["applied"]) for row in rows}


def _columns(rows: Sequence[Sequence[Any]], width: int) -> Sequence[Sequence[Any]]:
    return list(zip(*rows, strict=True)) if rows else [()] * width
