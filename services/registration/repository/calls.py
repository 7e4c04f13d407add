"""What the HTTP door remembers of calls, and whether it may take more."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services.registration.repository.rows import SQL
from shared.errors import RintisError
from shared.storage import Database, Tx


class CallInFlight(RintisError):
    """A call with this Idempotency-Key is being worked on."""


class KeyReused(RintisError):
    """The Idempotency-Key was used for another call."""


@dataclass(frozen=True, slots=True)
class Call:
    """One call with an Idempotency-Key: who made it, and digests of key and body."""

    caller: str
    key_digest: bytes
    body_digest: bytes

    @classmethod
    def of(cls, caller: str, key: str, path: str, body: bytes) -> Call:
        """Return a call; the same body at another door is another call."""
        return cls(caller, hashlib.sha256(key.encode()).digest(), hashlib.sha256(path.encode() + b"\x00" + body).digest())


async def begin_call(tx: Tx, call: Call) -> Any | None:
    """Return the answer that the call was given before, or None; then it is this transaction's. Raises CallInFlight, KeyReused."""
    if not await tx.fetchval(SQL["try_lock_call"], call.caller, call.key_digest):
        raise CallInFlight
    row = await tx.fetchrow(SQL["find_call"], call.caller, call.key_digest)
    if row is None:
        return None
    if row["body_digest"] != call.body_digest:
        raise KeyReused
    return json.loads(row["answer"])


async def add_answer(tx: Tx, call: Call, answer: Any, now: datetime) -> None:
    """Keep the answer to a call."""
    await tx.execute(SQL["add_call"], call.caller, call.key_digest, call.body_digest, json.dumps(answer), now)


async def remove_answers(database: Database, before: datetime, limit: int) -> int:
    """Forget answers older than `before`; return how many went."""
    async with database.transaction() as tx:
        status = await tx.execute(SQL["remove_calls"], before, limit)
    return int(status.split()[-1])


async def has_room(tx: Tx, events: int) -> bool:
    """Return whether fewer than `events` wait in the outbox."""
    return bool(await tx.fetchval(SQL["has_room"], events))
