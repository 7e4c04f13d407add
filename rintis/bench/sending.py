"""Senders are a role of their own: how fast one process of them empties what is due."""

from __future__ import annotations

import asyncio
import time

from rintis.bench.rintis_system import RintisSystem

SENDERS = 1
LOOK_SECONDS = 0.5
PATIENCE_SECONDS = 120.0
"""Without a sent message for so long, what is left is stuck, which the audit then says."""


async def send_all(system: RintisSystem, senders: int = SENDERS) -> dict[str, float]:
    """Start senders, wait until nothing is due, and return how many messages were sent how fast."""
    await asyncio.to_thread(system.stack.add_senders, senders)
    await until_sent(system)
    sent, seconds = await system.sent()
    return {"messages": sent, "seconds": round(seconds, 3), "per_s": round(sent / seconds, 1) if seconds else 0.0}


async def until_sent(system: RintisSystem) -> None:
    """Return once nothing is due any more, or nothing moves."""
    before, since = -1, time.monotonic()
    while await system.is_unsent():
        sent, _ = await system.sent()
        if sent != before:
            before, since = sent, time.monotonic()
        if time.monotonic() - since > PATIENCE_SECONDS:
            break
        await asyncio.sleep(LOOK_SECONDS)
