"""More of one place: a minute of an edge event by event, or all that a service's own statements find."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from rintis.operations.edges import Edge
from rintis.operations.inside import check_inside
from rintis.operations.ledger import SQL
from rintis.operations.log import identity_of, open_log
from rintis.operations.sources import open_sources


async def show_minute(edge: Edge, minute: datetime) -> list[dict[str, Any]]:
    """Return what one minute came to on both sides, and every record of it on the topic; of records only ids and places."""
    async with open_sources() as sources, open_log(sources.bootstrap) as log:
        partitions = await log.partitions(edge.pattern)
        rows: list[dict[str, Any]] = []
        sides = [("heard", edge.hearer, edge.group)]
        if not edge.topic.is_intake:
            sides.insert(0, ("said", edge.topic.publisher, edge.topic.publisher))
        for direction, service, party in sides:
            async with sources.read(service) as connection:
                for topic in sorted({tp.topic for tp in partitions}):
                    found = await connection.fetch(SQL["find_outcomes"], direction, party, topic, minute)
                    rows += [{"side": direction, "by": party, "topic": topic, **dict(row)} for row in found]
        async for record in log.records_of_minute(partitions, minute):
            headers = dict(record.headers)
            rows.append(
                {
                    "record": f"{record.topic}/{record.partition}/{record.offset}",
                    "id": str(identity[0]) if (identity := identity_of(record)) else None,
                    "type": headers.get("ce_type", b"").decode(errors="replace"),
                    "sequence": headers.get("ce_sequence", b"").decode(errors="replace"),
                }
            )
    return rows


async def show_service(service: str) -> list[dict[str, Any]]:
    """Return every row that a service's statements find."""
    async with open_sources() as sources:
        findings, _, _ = await check_inside(sources, service, None)
    return [finding.as_dict() for finding in findings]
