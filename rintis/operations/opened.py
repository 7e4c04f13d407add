"""A minute or a partition that does not add up, opened event by event."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from rintis.operations.comparing import Break
from rintis.operations.edges import Edge
from rintis.operations.findings import MOST_IDS, Finding, name_ids
from rintis.operations.ledger import SQL
from rintis.operations.log import Log, Partition
from rintis.operations.sources import Sources
from shared.contracts.envelope import hash64

OPENED_MINUTES = 5
"""Minutes that are opened event by event per edge; the first broken one is what an operator needs."""


async def name_breaks(log: Log, edge: Edge, breaks: Sequence[Break]) -> list[Finding]:
    """Return a finding for each minute of an edge that is broken; the first ones with the ids of the events."""
    findings: list[Finding] = []
    on_log: Mapping[datetime, list[UUID]] = {}
    opened = [found.minute for found in breaks[:OPENED_MINUTES]]
    if opened:
        on_log = await log.ids_of_minutes(edge.topic.name, opened)
    for found in breaks:
        ids, note = _name(found, set(on_log[found.minute])) if found.minute in on_log else ([], "")
        detail = "; ".join(filter(None, [f"said {found.said.events}, heard {found.heard.events}", found.note, note]))
        findings.append(
            Finding(
                found.kind,
                edge.name,
                found.events,
                found.minute,
                detail,
                [str(id_) for id_ in ids[:MOST_IDS]],
                edge.words,
                command_for(edge.group, found.minute),
            )
        )
    return findings


def _name(found: Break, on_log: set[UUID]) -> tuple[list[UUID], str]:
    """Return the ids that make up the difference, and what is to be said of them."""
    difference = found.said.hash_sum - found.heard.hash_sum
    named = name_ids(on_log, -difference if found.kind == "double" else difference)
    if sum(map(hash64, on_log)) != found.said.hash_sum:
        return named, f"on the topic: {len(on_log)}, so the gap is before the topic or was deleted from it"
    return (named, "") if named else (sorted(on_log), "the ids are among those named")


def command_for(edge: str, minute: datetime | None = None) -> str:
    """Return the command that shows more of an edge, or of a service's tables."""
    return f"rintis audit --edge {edge}" + (f" --minute {minute:%Y-%m-%dT%H:%M}" if minute else "")


@dataclass(frozen=True, slots=True)
class Gap:
    """A partition of the intake whose position is not the number of records accounted for.

    `holes` is how many offsets below the position were found to hold no record, None where nobody has looked yet.
    """

    place: Partition
    position: int
    accounted: int
    holes: int | None

    @property
    def unexplained(self) -> int:
        """How many records are missing; negative where some are double."""
        return self.position - self.accounted - (self.holes or 0)


async def open_partition(sources: Sources, log: Log, edge: Edge, gap: Gap) -> Finding | None:
    """Compare a partition record by record with what was accounted for; None where offsets without records explain the gap.

    Markers of transactions hold no record; nor does what was deleted before the consumer's first look.
    """
    topic, number = gap.place
    async with sources.read(edge.hearer) as connection:
        rows = await connection.fetch(SQL["count_minutes"], edge.group, topic, number)
    counted = {row["minute"]: row["events"] for row in rows}
    on_log = await log.offsets_by_minute(topic, number, gap.position)
    begin = min((await log.beginnings_of(topic, number))[gap.place], gap.position)
    markers = gap.position - begin - sum(map(len, on_log.values()))
    is_missing = gap.unexplained > 0
    sign = 1 if is_missing else -1
    differences = {minute: sign * (len(offsets) - counted.get(minute, 0)) for minute, offsets in sorted(on_log.items())}
    broken = [minute for minute, events in differences.items() if events > 0]
    if is_missing and not broken and gap.unexplained <= markers + (begin if gap.holes is None else 0):
        return None
    events = sum(differences[minute] for minute in broken) if broken and is_missing else abs(gap.unexplained)
    since = broken[0] if broken else None
    detail = f"{topic} partition {number}: read to {gap.position}, accounted for {gap.accounted}"
    ids = [f"{topic}/{number}/{offset}" for offset in (on_log[since] if since else [])[:MOST_IDS]]
    kind = "missing" if is_missing else "double"
    return Finding(kind, edge.name, events, since, detail, ids, edge.words, command_for(edge.group, since))
