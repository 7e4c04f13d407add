"""Carries out what operators asked for, a few entries at a time, so that a kill at any moment loses nothing of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from shared.messaging.actions import DONE, READING, REDRIVE, STOPPED, WAITING, end
from shared.messaging.actions import SQL as ACTIONS
from shared.messaging.letters import FAILED, SUPERSEDED, WAIVED, Ending, end_entries
from shared.messaging.letters import SQL as LETTERS
from shared.messaging.limits import Limits
from shared.messaging.pipeline import Pipeline
from shared.storage import Database, Tx
from shared.telemetry import get_logger

log = get_logger(__name__)

SYSTEM = "rintis"
"""Who ends what nobody ended."""
LOOK_SECONDS = 0.5
"""Between two looks at an action whose last entries are under way."""


class Redrive:
    """The running actions of one service; any of its processes takes the next step of any of them."""

    def __init__(self, database: Database, pipelines: Mapping[str, Pipeline], limits: Limits) -> None:
        self._database = database
        self._pipelines = pipelines
        self._limits = limits

    async def step(self) -> bool:
        """Take the next step of the action that is due first; return whether there was one."""
        async with self._database.transaction() as tx:
            action = await tx.fetchrow(ACTIONS["claim_action"], datetime.now(UTC))
            if action is None:
                return False
            if action["state"] == WAITING or action["kind"] == READING:
                await end(
                    tx,
                    action["id"],
                    "cancelled",
                    SYSTEM,
                    "not_approved_in_time" if action["state"] == WAITING else "not_read_in_time",
                )
            else:
                await self._advance(tx, action)
        return True

    async def _advance(self, tx: Tx, action: Any) -> None:
        count: Any = await tx.fetchrow(ACTIONS["count_action"], action["id"])
        limits, now = self._limits, datetime.now(UTC)
        if count["failed"] > limits.redrive_failures and count["failed"] > limits.redrive_failed_share * count["ended"]:
            log.error(
                "A redrive stops: too many failed again.", action="redrive_stopped", id=str(action["id"]), failed=count["failed"]
            )
            await end(tx, action["id"], STOPPED, SYSTEM, "too_many_failed_again")
            return
        entries = await tx.fetch(ACTIONS["find_next"], action["id"], min(action["per_second"], limits.redrive_records))
        entries = await self._that_have_room(tx, entries)
        if count["ended"] == count["entries"]:
            await end(tx, action["id"], DONE, SYSTEM, "done")
            return
        if entries:
            await self._begin(tx, action, entries)
        pause = len(entries) / action["per_second"] if entries else LOOK_SECONDS
        await tx.execute(ACTIONS["delay_action"], action["id"], now + timedelta(seconds=pause))

    async def _that_have_room(self, tx: Tx, entries: Sequence[Any]) -> list[Any]:
        """Leave half of the keys that may wait to what comes in meanwhile."""
        room: dict[str, int] = {}
        for consumer in {entry["consumer"] for entry in entries if entry["consumer"] in self._pipelines}:
            topics = {entry["topic"] for entry in entries if entry["consumer"] == consumer}
            waiting = await self._pipelines[consumer].shelf.count_gates(tx, topics)
            room[consumer] = max(0, self._limits.gates // 2 - max(waiting.values(), default=0))
        met: Counter[str] = Counter()
        found: list[Any] = []
        for entry in entries:
            met[entry["consumer"]] += 1
            if met[entry["consumer"]] <= room.get(entry["consumer"], 1):
                found.append(entry)
        return found

    async def _begin(self, tx: Tx, action: Any, entries: Sequence[Any]) -> None:
        await tx.execute(ACTIONS["begin_entries"], action["id"], [entry["entry"] for entry in entries], datetime.now(UTC))
        for consumer in sorted({entry["consumer"] for entry in entries}):
            own = [entry for entry in entries if entry["consumer"] == consumer]
            letters = [entry["entry"] for entry in own if not entry["is_gate"]]
            gates = [entry["entry"] for entry in own if entry["is_gate"]]
            pipeline = self._pipelines.get(consumer)
            if pipeline is None:
                await end_entries(tx, [Ending(entry["entry"], FAILED, "consumer_unknown") for entry in own])
            elif action["kind"] == REDRIVE:
                await self._redrive(tx, pipeline, letters)
                await self._release(tx, action["id"], gates)
            else:
                await self._waive(tx, pipeline, letters, gates)

    @staticmethod
    async def _redrive(tx: Tx, pipeline: Pipeline, letters: Sequence[UUID]) -> None:
        rows = await tx.fetch(ACTIONS["find_letters"], letters) if letters else []
        if rows:
            await pipeline.letters.put_back(tx, pipeline.shelf, rows)

    @staticmethod
    async def _release(tx: Tx, action: UUID, gates: Sequence[UUID]) -> None:
        """Let held keys go on; one that is held no more was let go by somebody else."""
        if gates:
            released = {row["id"] for row in await tx.fetch(LETTERS["reopen_gates"], gates, datetime.now(UTC), action)}
            await end_entries(tx, [Ending(gate, SUPERSEDED, "not_held_any_more") for gate in gates if gate not in released])

    @staticmethod
    async def _waive(tx: Tx, pipeline: Pipeline, letters: Sequence[UUID], gates: Sequence[UUID]) -> None:
        closed = await tx.fetch(LETTERS["waive_letters"], letters, datetime.now(UTC)) if letters else []
        endings = [Ending(row["id"], WAIVED, "") for row in closed]
        for gate in gates:
            is_held = await pipeline.waive(tx, gate)
            endings.append(Ending(gate, WAIVED, "") if is_held else Ending(gate, SUPERSEDED, "not_held_any_more"))
        await end_entries(tx, endings)
