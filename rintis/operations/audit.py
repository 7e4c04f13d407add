"""The audit: what was said against what was heard, what came in against what was accounted for.

It reads sums of the flow ledger, so millions of events cost no more than their minutes, and with a store of what was
proven no more than the minutes that were touched since; only a minute that does not add up is opened, event by event.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from contextlib import AsyncExitStack, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from rintis.operations.comparing import Comparison, compare
from rintis.operations.edges import EDGES, INTAKE_EDGES, OWN_EDGES, Edge
from rintis.operations.findings import Finding, Stage, Verdict
from rintis.operations.inside import check_inside, find_held
from rintis.operations.ledger import SQL
from rintis.operations.log import Log, Partition
from rintis.operations.looking import Looks, Watched
from rintis.operations.opened import Gap, name_breaks, open_partition
from rintis.operations.sources import Sources
from rintis.operations.store import News, Past, Store
from rintis.operations.traffic import Partitions, find_unread, look_first

__all__ = ["Audit", "Verdict"]

PATIENCE_SECONDS = 10.0
"""How long the audit lets a live system read what was said before it looked."""
STUCK_AFTER = timedelta(minutes=15)
"""What waits for longer than this is stuck: the longest back-off is a minute."""


@dataclass
class _Edge:
    """An edge, what was seen of it, and what was made of that."""

    edge: Edge
    watched: Watched
    comparison: Comparison


class Audit:
    """One audit of a system that may be at work meanwhile. With a store it looks only at what was touched since the last."""

    def __init__(
        self,
        sources: Sources,
        log: Log,
        *,
        patience: float = PATIENCE_SECONDS,
        store: Store | None = None,
        is_whole: bool = False,
    ) -> None:
        self._sources = sources
        self._log = log
        self._patience = patience
        self._store = store
        self._is_whole = is_whole
        self._verdict = Verdict()
        self._ranked: list[tuple[int, Finding]] = []
        self._holes: dict[tuple[str, str, int], int] = {}

    async def run(self) -> Verdict:
        """Return what was found."""
        async with self._store.held() if self._store else nullcontext():
            began = time.monotonic()
            past = await self._store.recall() if self._store else Past()
            self._verdict.is_whole = self._is_whole or not past.folds
            known = Past(agreements={}, holes=past.holes, closed_totals=past.closed_totals) if self._is_whole else past
            await self._check_flow(known)
            for service, (findings, is_whole) in zip(
                self._sources.services,
                await asyncio.gather(*(self._check_inside(service, known) for service in self._sources.services)),
                strict=True,
            ):
                self._rank(findings, self._sources.services.index(service) * 2 + 1)
                self._verdict.is_whole = self._verdict.is_whole and is_whole
            self._verdict.findings = [finding for _, finding in sorted(self._ranked, key=lambda ranked: ranked[0])]
            self._verdict.took_seconds = time.monotonic() - began
            if self._store:
                await self._store.keep(self._verdict.as_dict())
        return self._verdict

    async def _check_flow(self, past: Past) -> None:
        """Compare both sides of every edge, as they were at one moment each."""
        partitions = await self._log.partitions_by({edge.group: edge.pattern for edge in EDGES})
        first = await look_first(self._sources, self._log, partitions, folds=past.folds, patience=self._patience)
        async with AsyncExitStack() as stack:
            looks = Looks(self._sources, past, first)
            await looks.take(stack)
            ends = await self._log.ends([tp for group in partitions.values() for tp in group])
            watched = {edge.group: looks.watch(edge, partitions[edge.group], ends) for edge in EDGES}
            own = [await self._compare(edge, looks, watched[edge.group]) for edge in OWN_EDGES]
        for edge in INTAKE_EDGES:
            await self._check_intake(edge, watched[edge.group], past)
        for each in own:
            findings = await name_breaks(self._log, each.edge, each.comparison.breaks)
            self._rank(findings, self._sources.services.index(each.edge.topic.publisher) * 2 + 2)
        for edge in EDGES:
            await self._describe(edge, watched[edge.group], partitions, ends)
        self._verdict.accepted = looks.accepted
        if self._store:
            news = [_news(each) for each in own]
            await self._store.remember(looks.folds, news, self._holes)

    async def _compare(self, edge: Edge, looks: Looks, watched: Watched) -> _Edge:
        """Compare one edge's minutes; where the rest of its ledger is not what was proven, all of them."""
        flight = watched.waiting + watched.behind
        found = await looks.find_sums(edge, self._store)
        comparison = compare(found.said, found.heard, closed=found.closed, is_exact=looks.exactness(edge), flight=flight)
        return _Edge(edge, watched, comparison)

    async def _check_intake(self, edge: Edge, watched: Watched, past: Past) -> None:
        """Every record up to the position has exactly one outcome."""
        for place, position in watched.positions.items():
            known = past.holes.get((edge.group, *place))
            gap = Gap(place, position, watched.accounted_by.get(place, 0), known)
            finding = await open_partition(self._sources, self._log, edge, gap) if gap.unexplained else None
            if finding:
                self._rank([finding], 0)
            elif known is None or gap.unexplained:
                self._holes[edge.group, *place] = position - gap.accounted

    async def _describe(self, edge: Edge, watched: Watched, partitions: Partitions, ends: Mapping[Partition, int]) -> None:
        """Say how an edge stands: accounted for, on its way and where, broken."""
        mine = [finding for _, finding in self._ranked if finding.where == edge.name]
        stage = Stage(edge.words, edge.group, watched.accounted)
        stage.missing = sum(finding.events for finding in mine if finding.kind == "missing")
        stage.double = sum(finding.events for finding in mine if finding.kind == "double")
        stage.on_its_way = watched.waiting + watched.behind + watched.parked
        unread = find_unread(edge, partitions, watched.positions, ends)
        places = {
            "gate": watched.parked_since,
            "topic": await self._log.oldest(unread) if watched.behind else None,
            "outbox": watched.waiting_since,
        }
        if known := {place: since for place, since in places.items() if since}:
            stage.at = min(known, key=lambda place: known[place])
            stage.since = known[stage.at]
        if places["topic"] and places["topic"] < datetime.now(UTC) - STUCK_AFTER:
            stage.stuck = watched.behind
            unread_for_long = Finding(
                "stuck", edge.name, watched.behind, places["topic"], "is not being read", command="rintis consumers"
            )
            self._rank([unread_for_long], self._sources.services.index(edge.hearer) * 2)
        self._verdict.in_flight += watched.waiting + watched.behind
        self._verdict.stages.append(stage)

    async def _check_inside(self, service: str, past: Past) -> tuple[list[Finding], bool]:
        """Ask a service's own statements for what is broken in its database, and list what is dead or waits too long."""
        findings, agreement, is_whole = await check_inside(self._sources, service, past.agreements.get(service))
        if self._store:
            await self._store.agree(service, agreement)
        async with self._sources.read(service) as connection:
            findings += await find_held(connection)
            for row in await connection.fetch(SQL["count_dead"]):
                self._verdict.dead += row["letters"]
                self._verdict.dead_by_reason.append({**dict(row), "oldest": row["oldest"].isoformat()})
            outbox = await connection.fetch(SQL["find_outbox"])
        late = [row["oldest"] for row in outbox if row["oldest"] < datetime.now(UTC) - STUCK_AFTER]
        if late:
            findings.append(
                Finding("stuck", f"{service}: outbox", len(late), min(late), "is not being emptied", command="rintis queues")
            )
        return findings, is_whole

    def _rank(self, findings: list[Finding], rank: int) -> None:
        self._ranked += [(rank, finding) for finding in findings]


def _news(each: _Edge) -> News:
    found = each.comparison
    return News(each.edge.group, found.closed, found.open, [broken.minute for broken in found.breaks])
