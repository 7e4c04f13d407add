"""What the HTTP door remembers of calls."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services.reporting.repository.rows import SQL
from shared.storage import Tx


@dataclass(frozen=True, slots=True)
class Call:
    """One call with an Idempotency-Key: who made it, and the digest of its body."""

    caller: str
    key: str
    digest: bytes


@dataclass(frozen=True, slots=True)
class Answered:
    """A call that was answered before."""

    digest: bytes
    answer: Any


async def lock_call(tx: Tx, call: Call) -> Answered | None:
    """Return the answer that this key was given before; calls with one key wait for each other until the commit."""
    # No row exists before the first answer, so a lock on the name stands in for it.
    await tx.execute(SQL["lock_request"], call.caller, call.key)
    row = await tx.fetchrow(SQL["find_request"], call.caller, call.key)
    return Answered(row["digest"], json.loads(row["answer"])) if row else None


async def add_answer(tx: Tx, call: Call, answer: Any, now: datetime) -> None:
    """Keep the answer to a call."""
    await tx.execute(SQL["add_request"], call.caller, call.key, call.digest, json.dumps(answer), now)


async def remove_answers(tx: Tx, before: datetime, limit: int) -> int:
    """Forget answers older than `before`; return how many went."""
    status = await tx.execute(SQL["remove_requests"], before, limit)
    return int(status.split()[-1])
