"""The only SQL of messages."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import asyncpg

from services.notification.domain.messages import Answer, Channel, Fate, State
from shared.storage import Tx, load_queries

SQL = load_queries("services.notification")


class Intent(NamedTuple):
    """What is to be told to whom, as it is stored before anything is sent."""

    id: UUID
    event_id: UUID
    subject_id: UUID
    template: str
    parameters: Mapping[str, Any]
    box: str
    sealed: str | None
    contact_version: int
    facts_version: int | None
    thread: str | None
    valid_until: datetime | None
    channel: Channel | None
    skip_reason: str = ""

    @property
    def state(self) -> State:
        """Return the state that it begins in."""
        return State.WAITING if self.channel else State.SKIPPED


class Message(NamedTuple):
    """A message that a sender holds, or one whose sender vanished."""

    id: UUID
    seq: int
    """Number of the intent: one subject's messages are sent in its order."""
    event_id: UUID
    subject_id: UUID
    template: str
    channel: Channel
    parameters: str
    """JSON, as it is stored."""
    box: str
    sealed: str = ""
    attempts: int = 0
    valid_until: datetime | None = None
    facts_versions: tuple[int | None, int | None] = (None, None)
    reason: str = ""
    """Why it was not settled by the attempt before."""

    def __repr__(self) -> str:
        """Name it by id only."""
        return f"<Message {self.id}>"


class Verdict(NamedTuple):
    """What an attempt led to; `delay_seconds` counts where the message is due again."""

    message: Message
    fate: Fate
    answer: Answer
    answer_reason: str = ""
    delay_seconds: float = 0.0
    channel: Channel | None = None
    """Another channel by which it is due, where its own turned out to reach nobody."""


async def add_messages(tx: Tx, intents: Sequence[Intent], now: datetime) -> set[UUID]:
    """Store intents, once per event, with the newest contacts of their subjects; return the ids of those that are new."""
    newest: dict[tuple[UUID, str], Intent] = {}
    for intent in intents:
        known = newest.get((intent.subject_id, intent.box))
        if intent.sealed is not None and (known is None or intent.contact_version >= known.contact_version):
            newest[intent.subject_id, intent.box] = intent
    contacts = newest.values()
    rows = await tx.fetch(
        SQL["add_messages"],
        [i.id for i in intents],
        [i.event_id for i in intents],
        [i.subject_id for i in intents],
        [i.template for i in intents],
        [json.dumps(i.parameters) for i in intents],
        [i.box for i in intents],
        [i.facts_version for i in intents],
        [i.thread for i in intents],
        [i.valid_until for i in intents],
        [i.channel for i in intents],
        [i.state for i in intents],
        [i.skip_reason for i in intents],
        now,
        [i.subject_id for i in contacts],
        [i.box for i in contacts],
        [i.contact_version for i in contacts],
        [i.sealed for i in contacts],
    )
    return {row["id"] for row in rows}


@dataclass(frozen=True, slots=True)
class Lease:
    """By what a sender holds a set, for how long, and the process slot it runs in, where it has one."""

    id: UUID
    seconds: float
    holder: str | None = None


async def claim_messages(tx: Tx, channel: Channel, *, limit: int, lease: Lease) -> list[Message]:
    """Take due messages; nobody else sends them until the lease runs out."""
    rows = await tx.fetch(SQL["claim_messages"], channel, limit, lease.id, lease.seconds, lease.holder)
    return [_read_claimed(row) for row in rows]


async def put_back(tx: Tx, leases: Sequence[UUID]) -> None:
    """Make due again what claims took whose answers were lost: nobody has sent any of it."""
    await tx.execute(SQL["put_back"], leases)


async def settle_messages(tx: Tx, lease: UUID, verdicts: Sequence[Verdict], now: datetime, *, is_last: bool) -> set[UUID]:
    """Record verdicts and return the ids of the messages that this sender still held; `is_last` where its set ends with them."""
    rows = await tx.fetch(
        SQL["settle_messages"],
        lease,
        [v.message.subject_id for v in verdicts],
        [v.message.seq for v in verdicts],
        [v.fate.state for v in verdicts],
        [v.fate.reason for v in verdicts],
        [v.delay_seconds for v in verdicts],
        [v.answer for v in verdicts],
        [v.answer_reason for v in verdicts],
        [v.channel for v in verdicts],
        now,
        is_last,
    )
    return {row["message_id"] for row in rows}


async def release_held(tx: Tx, holder: str) -> None:
    """Let what a slot's earlier process was sending count as lost: that process has ended."""
    await tx.execute(SQL["release_held"], holder)


async def find_lost(tx: Tx, limit: int) -> list[Message]:
    """Return, locked, messages whose sender vanished in the middle of an attempt."""
    rows = await tx.fetch(SQL["find_lost"], limit)
    return [
        Message(
            row["id"], row["seq"], row["event_id"], row["subject_id"], row["template"], Channel(row["channel"]), "{}", row["box"]
        )
        for row in rows
    ]


async def settle_lost(tx: Tx, verdicts: Sequence[tuple[Message, Fate]], now: datetime) -> None:
    """Record the fates of lost messages."""
    await tx.execute(
        SQL["settle_lost"],
        [message.subject_id for message, _ in verdicts],
        [message.seq for message, _ in verdicts],
        [fate.state for _, fate in verdicts],
        [fate.reason for _, fate in verdicts],
        now,
    )


async def end_leases(tx: Tx) -> None:
    """Let go of leases that are over and hold nothing."""
    await tx.execute(SQL["end_leases"])


async def count_messages(tx: Tx) -> list[dict[str, Any]]:
    """Return how many messages stand where."""
    return [dict(row) for row in await tx.fetch(SQL["count_messages"])]


def _read_claimed(row: asyncpg.Record) -> Message:
    return Message(
        row["id"],
        row["seq"],
        row["event_id"],
        row["subject_id"],
        row["template"],
        Channel(row["channel"]),
        row["parameters"],
        row["box"],
        row["sealed"],
        row["attempts"],
        row["valid_until"],
        (row["facts_version"], row["newest_facts"]),
        row["reason"],
    )
