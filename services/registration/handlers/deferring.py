"""Use case: a call whose publisher does not wait for the verdicts (RFC 7240, `respond-async`) is kept, and worked through afterwards.

Keeping a call costs a tenth of deciding on it: in the minutes in which a country comes, accepting must not wait for deciding.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeAlias

from services.registration import metrics
from services.registration.handlers.desk import Desk
from services.registration.handlers.door import Answer, Item, Malformed, Order, Reply, malformed, settle_items
from services.registration.repository.calls import add_answer, begin_call, has_room
from services.registration.repository.deferred import (
    Deferred,
    Kept,
    claim_deferred,
    defer_call,
    delay_deferred,
    has_room_for_call,
    measure_deferred,
    remove_deferred,
)
from shared.errors import Overloaded, Unprocessable
from shared.messaging.retry import concerns_batch, fate
from shared.messaging.vault import Vault
from shared.storage import Tx, savepoint
from shared.telemetry import get_logger

log = get_logger(__name__)

RECEIVED: Answer = {"verdict": "received", "reasons": [], "warnings": []}
LOOK_SECONDS = 1.0
"""How often a process looks for calls that another one has kept: that one works through them itself, unless it has ended."""
GIVE_WAY_SECONDS = 10.0
"""How long kept calls give way to calls that come in: a wave of them is answered at the speed of keeping, and nobody waits much longer."""
MOST_CALLS = 2_000
"""Calls kept at once, beside the bound on their items: small ones are looked over as a whole before each that is worked through."""
FIRST_DELAY_SECONDS, LONGEST_DELAY_SECONDS = 2.0, 300.0
"""When what could not be done is tried again: doubled each time, and never given up. Somebody was told that it is kept."""

Parse: TypeAlias = Callable[[bytes], Sequence[Item | Malformed]]


@dataclass
class Deferral:
    """Keeps calls, and works through them, the oldest first. `parse` reads a body by the kind of its items."""

    desk: Desk
    vault: Vault
    parse: Mapping[str, Parse]
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    in_hand: int = 0
    """Calls that the doors of this process work on."""
    _is_waiting: bool = True
    _looked_at: float = 0.0

    @contextmanager
    def taking(self) -> Iterator[None]:
        """Count a call as in hand: meanwhile kept calls give way."""
        self.in_hand += 1
        try:
            yield
        finally:
            self.in_hand -= 1

    async def keep(self, order: Order, kind: str, raw: bytes) -> Reply:
        """Keep a call to be worked through later; committed when it returns. Raises CallInFlight, KeyReused, Overloaded."""
        answers = [malformed(item) if isinstance(item, Malformed) else RECEIVED for item in order.items]
        count = len(order.good)
        kept = await self._seal(raw, count) if count else None
        async with self.desk.database.transaction() as tx:
            if order.call is not None and (before := await begin_call(tx, order.call)) is not None:
                return Reply(before, is_repeat=True)
            if not (await has_room(tx, order.outbox_events) and await has_room_for_call(tx, MOST_CALLS)):
                raise Overloaded
            if kept is not None:
                await defer_call(tx, order.publisher, order.door, kind, kept, order.arrived_at)
            if order.call is not None:
                await add_answer(tx, order.call, answers, self.desk.clock.now())
        self._is_waiting = True
        self.wake.set()
        return Reply(answers, is_deferred=True)

    async def run(self) -> bool:
        """Work through the oldest call that is due; return whether there may be another."""
        now = time.monotonic()
        if not self._is_waiting and now < self._looked_at + LOOK_SECONDS:
            return False
        kept = await measure_deferred(self.desk.database)
        metrics.DEFERRED_ITEMS.set(kept.waiting)
        metrics.DEFERRED_PARKED.set(kept.parked)
        metrics.DEFERRED_AGE.set(kept.age_seconds)
        self._looked_at, self._is_waiting = now, bool(kept.waiting)
        if not kept.due_seconds or (self.in_hand and kept.due_seconds < GIVE_WAY_SECONDS):
            return False
        async with self.desk.database.transaction() as tx:
            call = await claim_deferred(tx)
            if call is not None:
                await self._work_through(tx, call)
        return call is not None

    async def _work_through(self, tx: Tx, call: Deferred) -> None:
        try:
            raw = await self.vault.open(call.kept.sealed_under, call.kept.body)
        except Unprocessable as error:
            await self._delay(tx, call, call.kept, error.reason)
            return
        items = self.parse[call.kind](raw)
        order = Order(call.publisher, call.door, items, None, 0, call.arrived_at)
        if len(order.good) != call.kept.items:
            # The contract has changed since these were taken as good: none of them may be dropped for that.
            await self._delay(tx, call, call.kept, "contract_changed")
            return
        failed: list[tuple[Item, str]] = []
        await self._settle(tx, order, order.good, failed)
        if not failed:
            await remove_deferred(tx, call.id)
            return
        body = json.dumps({"items": [item.model_dump(mode="json") for item, _ in failed]}).encode()
        await self._delay(tx, call, await self._seal(body, len(failed)), failed[0][1])

    async def _settle(self, tx: Tx, order: Order, items: Sequence[Item], failed: list[tuple[Item, str]]) -> None:
        """Decide on items as a set; where that fails, each half by itself: an item that fails costs its neighbours nothing."""
        try:
            async with savepoint(tx):
                await settle_items(tx, self.desk, order, items)
        except Exception as error:
            if concerns_batch(error):
                raise
            if len(items) == 1:
                failed.append((items[0], fate(error).reason))
                return
        else:
            return
        middle = len(items) // 2
        await self._settle(tx, order, items[:middle], failed)
        await self._settle(tx, order, items[middle:], failed)

    async def _delay(self, tx: Tx, call: Deferred, rest: Kept, reason: str) -> None:
        seconds = min(LONGEST_DELAY_SECONDS, FIRST_DELAY_SECONDS * 2.0 ** min(call.attempts, 16))
        log.warning("Items of a call wait.", action="call_waits", call=call.id, items=rest.items, reason=reason)
        await delay_deferred(tx, call.id, rest, reason, seconds)

    async def _seal(self, raw: bytes, items: int) -> Kept:
        [(sealed, subject)] = await self.vault.seal([raw])
        if subject is None:
            raise TypeError("the vault has a key for each day")
        return Kept(items, sealed, subject)
