"""The oracle: compares what was sent with what was stored, said and received. It uses no code of the services, and no ledger of theirs."""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Mapping
from pathlib import Path

import asyncpg
from aiokafka.errors import KafkaError

from rintis.chaos.checks import ALL
from rintis.chaos.evidence import SQL, Evidence, collect
from rintis.chaos.judgement import Judgement, gather
from rintis.chaos.place import Place
from rintis.chaos.raw import find_ends
from rintis.runtime.topics import existing_topics

LOOK_SECONDS = 1.0
"""Between two looks at whether anything still moves."""
STILL_LOOKS = 2
"""Looks in a row that must find nothing: what leaves one service for another is in neither for a moment."""

NOT_NOW = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, KafkaError)
"""What looking raises while a server is still coming back."""


async def judge(place: Place, folder: Path) -> Judgement:
    """Compare the load's files in `folder` with everything that can be seen of the system."""
    # All of it stays until the end, tens of millions of objects after a long run: the collector would only look through them again.
    gc.disable()
    try:
        return await asyncio.to_thread(weigh, await collect(place, folder))
    finally:
        gc.enable()


def weigh(evidence: Evidence) -> Judgement:
    """Return what the evidence says."""
    troubles = [trouble for check in ALL for trouble in check(evidence)]
    decided = [record.at_ms // 1000 for record in evidence.on("eligibility.decisions")]
    return Judgement(
        accepted=len({answer.number for answer in evidence.acknowledged}),
        found=gather(troubles),
        measured=_measure(evidence),
        decided_at=sorted(decided),
    )


async def settled(place: Place, within: float) -> bool:
    """Wait until nothing moves any more; return False where something still does after `within` seconds."""
    deadline, still = time.monotonic() + within, 0
    while time.monotonic() < deadline:
        try:
            still = 0 if any((await find_moving(place)).values()) else still + 1
        except NOT_NOW:
            still = 0
        if still >= STILL_LOOKS:
            return True
        await asyncio.sleep(LOOK_SECONDS)
    return False


async def find_moving(place: Place) -> dict[str, int]:
    """Return how much is on its way, by place: inside each service, and unread by each consumer."""
    ends = await find_ends(place.bootstrap, await existing_topics(place.bootstrap))
    moving: dict[str, int] = {}
    for service, url in place.databases.items():
        if f"count_moving_{service}" not in SQL:
            continue
        connection = await asyncpg.connect(url)
        try:
            shared = await connection.fetchval(SQL["count_moving"])
            positions = await connection.fetch(SQL["list_positions"])
            moving[service] = await connection.fetchval(SQL[f"count_moving_{service}"]) + shared
        finally:
            await connection.close()
        moving |= _unread(positions, ends)
    return moving


def _unread(positions: list[asyncpg.Record], ends: Mapping[tuple[str, int], int]) -> dict[str, int]:
    """Return how many records each consumer has not read; a partition without a position counts whole."""
    read: dict[str, dict[tuple[str, int], int]] = {}
    for row in positions:
        read.setdefault(row["consumer"], {})[row["topic"], row["partition"]] = row["next_offset"]
    return {
        consumer: sum(
            max(0, end - known.get(partition, 0))
            for partition, end in ends.items()
            if partition[0] in {topic for topic, _ in known}
        )
        for consumer, known in read.items()
    }


def _measure(evidence: Evidence) -> dict[str, int]:
    tables = (
        "submissions",
        "registrations",
        "decisions",
        "seat_requests",
        "offers",
        "messages",
        "tasks",
        "filings",
        "dead_letters",
    )
    return {
        "sent": len(evidence.sent),
        "records": sum(map(len, evidence.records.values())),
        **{table: len(evidence.rows(table)) for table in tables},
        "sms_taken": len(evidence.sms),
        "mail_taken": len(evidence.mail),
    }
