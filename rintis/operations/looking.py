"""Two looks at every ledger, each as it was at one moment: first at what was heard, then at what was said.

So nothing can have been heard that was not said, and what was said and not heard is on its way, or lost.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from aiokafka import TopicPartition

from rintis.operations.comparing import is_whole
from rintis.operations.edges import Edge
from rintis.operations.ledger import (
    NONE,
    SQL,
    Lane,
    Minutes,
    Sums,
    Totals,
    add_up,
    find_all_minutes,
    find_changed,
    find_minutes,
    find_positions,
)
from rintis.operations.log import Partition
from rintis.operations.sources import Sources
from rintis.operations.store import Past, Store
from rintis.operations.traffic import FirstLook, Waiting, count_behind, read_outbox
from shared.storage import Tx


@dataclass(frozen=True, slots=True)
class Watched:
    """How one edge stands: what is accounted for, and what is in the outbox, unread on the topic, or behind gates."""

    accounted: int
    accounted_by: Mapping[Partition, int]
    positions: Mapping[Partition, int]
    behind: int
    waiting: int
    waiting_since: datetime | None
    parked: int
    parked_since: datetime | None


@dataclass(frozen=True, slots=True)
class Found:
    """The minutes of one edge that have to be compared, and what they had when they were closed."""

    said: Minutes
    heard: Minutes
    closed: Minutes


@dataclass
class _Look:
    """What one service's database held at one moment."""

    tx: Tx
    changed: dict[Lane, Minutes] = field(default_factory=dict)
    totals: Totals = field(default_factory=Totals)
    positions: dict[str, dict[Partition, int]] = field(default_factory=dict)
    gates: dict[str, Any] = field(default_factory=dict)
    outbox: dict[str, Waiting] = field(default_factory=dict)
    fold: int = 0


class Looks:
    """Both looks at all services, held until the comparison is done."""

    def __init__(self, sources: Sources, past: Past, first: FirstLook) -> None:
        self._sources = sources
        self._past = past
        self._first = first
        self._heard: dict[str, _Look] = {}
        self._said: dict[str, _Look] = {}

    async def take(self, stack: AsyncExitStack) -> None:
        """Look; both looks last as long as the stack is open."""
        for looks, read in ((self._heard, self._read_heard), (self._said, self._read_said)):
            for service in self._sources.services:
                looks[service] = _Look(await stack.enter_async_context(self._sources.snapshot(service)))
            await asyncio.gather(*map(read, self._sources.services))

    @property
    def folds(self) -> dict[str, int]:
        """The last fold of each ledger that was looked at."""
        return {service: look.fold for service, look in self._heard.items()}

    @property
    def accepted(self) -> int:
        """How much came in and was accepted, by all doors together."""
        return sum(look.totals.accepted for look in self._heard.values())

    def watch(self, edge: Edge, partitions: Collection[TopicPartition], ends: Mapping[Partition, int]) -> Watched:
        """Return how an edge stands."""
        look = self._heard[edge.hearer]
        positions = look.positions.get(edge.group, {})
        outbox = self._said[edge.topic.publisher].outbox.get(edge.topic.name) if not edge.topic.is_intake else None
        gates = look.gates.get(edge.group)
        return Watched(
            sum(
                s.events
                for (direction, party, _), s in look.totals.by_lane.items()
                if (direction, party) == ("heard", edge.group)
            ),
            {(topic, at): events for (party, topic, at), events in look.totals.by_partition.items() if party == edge.group},
            positions,
            count_behind(positions, {(tp.topic, tp.partition): ends[tp.topic, tp.partition] for tp in partitions}),
            outbox.events if outbox else 0,
            outbox.oldest if outbox else None,
            gates["events"] if gates else 0,
            gates["oldest"] if gates else None,
        )

    async def find_sums(self, edge: Edge, store: Store | None) -> Found:
        """Return the minutes of an edge that are open or were touched; all, where the rest is not what was proven."""
        saying, hearing = self._said[edge.topic.publisher], self._heard[edge.hearer]
        from_, to = (edge.topic.publisher, edge.topic.name), (edge.group, edge.topic.name)
        said, heard = saying.changed.get(from_, {}), hearing.changed.get(to, {})
        wanted = said.keys() | heard.keys() | self._past.open.get(edge.group, {}).keys()
        said = said | (await find_minutes(saying.tx, "said", {from_: wanted - said.keys()})).get(from_, {})
        heard = heard | (await find_minutes(hearing.tx, "heard", {to: wanted - heard.keys()})).get(to, {})
        closed = (await store.find_closed({edge.group: list(wanted)})).get(edge.group, {}) if store else {}
        proven = self._past.closed_totals.get(edge.group, NONE)
        totals: list[tuple[Sums, Minutes]] = [
            (saying.totals.by_lane.get(("said", *from_), NONE), said),
            (hearing.totals.by_lane.get(("heard", *to), NONE), heard),
        ]
        if all(is_whole(total, looked_at, proven, closed.values()) for total, looked_at in totals) or store is None:
            return Found(said, heard, closed)
        said, heard = await find_all_minutes(saying.tx, "said", from_), await find_all_minutes(hearing.tx, "heard", to)
        return Found(said, heard, await store.find_closed_of(edge.group))

    def exactness(self, edge: Edge) -> Callable[[datetime], bool]:
        """Return what tells whether all of a minute had passed before it was looked for among what was heard."""
        lane = (edge.topic.publisher, edge.topic.name)
        before = self._first.said[edge.topic.publisher].get(lane, {})
        now = self._said[edge.topic.publisher].changed.get(lane, {})
        has_passed = edge.group in self._first.passed
        return lambda minute: has_passed and before.get(minute) == now.get(minute)

    async def _read_heard(self, service: str) -> None:
        look = self._heard[service]
        look.fold = await look.tx.fetchval(SQL["find_fold"])
        look.changed = await find_changed(look.tx, "heard", self._past.folds.get(service, -1))
        look.totals = add_up(await look.tx.fetch(SQL["find_totals"], ["heard", "door"]))
        look.positions = await find_positions(look.tx)
        look.gates = {row["consumer"]: row for row in await look.tx.fetch(SQL["find_behind_gates"])}

    async def _read_said(self, service: str) -> None:
        look = self._said[service]
        look.changed = await find_changed(look.tx, "said", self._past.folds.get(service, -1))
        look.totals = add_up(await look.tx.fetch(SQL["find_totals"], ["said"]))
        look.outbox = await read_outbox(look.tx)
