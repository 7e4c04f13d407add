"""Use case: submissions that come over HTTP or from a file take the way of those from Kafka, answered once committed."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from services.registration.domain.reasons import Finding, in_words
from services.registration.handlers.desk import Desk, reference_id_of, submission_of
from services.registration.handlers.layoffs import TakeLayoffs
from services.registration.handlers.registrations import TakeRegistrations
from services.registration.repository.calls import Call, add_answer, begin_call, has_room, remove_answers
from services.registration.repository.submissions import Known, find_latest_verdict, find_verdicts
from shared.contracts.envelope import Envelope, derive_id
from shared.contracts.intake import LayoffReported, RegistrationSubmitted
from shared.errors import Overloaded
from shared.messaging import Received
from shared.messaging.records import seen_id
from shared.storage import CONTENTION, Tx

CLEAN_ANSWERS = 1_000
"""Answers forgotten in one statement."""
RIVALS = 2
"""So often a call is tried once more where another one decided on the same submissions meanwhile: by then they are known."""
_NOWHERE = -1
"""Partition and offset of what came by no log."""

Answer = dict[str, Any]
Item = RegistrationSubmitted | LayoffReported


@dataclass(frozen=True, slots=True)
class Malformed:
    """An item that does not fit the contract: nothing is kept of it."""

    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class Order:
    """What one call asks for: by whom, by which door, and the call itself where it has an Idempotency-Key."""

    publisher: str
    door: str
    items: Sequence[Item | Malformed]
    call: Call | None
    outbox_events: int
    """Above this many unsent events nothing more is taken."""
    arrived_at: datetime
    """Business time of the call, by which days in it are judged."""

    @property
    def good(self) -> list[Item]:
        """Return the items that fit the contract."""
        return [item for item in self.items if not isinstance(item, Malformed)]


@dataclass(frozen=True, slots=True)
class Reply:
    """The answers to a call, one per item in order; whether it was answered before, and whether it is worked through later."""

    answers: list[Answer]
    is_repeat: bool = False
    is_deferred: bool = False


def source_of(publisher: str) -> str:
    """Return the CloudEvents source of what a publisher sends over HTTP or by file."""
    return f"http:{publisher}"


async def take_order(desk: Desk, order: Order) -> Reply:
    """Take the items of one call, all in one transaction. Raises CallInFlight, KeyReused, Overloaded."""
    for _ in range(RIVALS):
        try:
            return await _take_once(desk, order)
        except CONTENTION:
            continue
    return await _take_once(desk, order)


async def _take_once(desk: Desk, order: Order) -> Reply:
    async with desk.database.transaction() as tx:
        if order.call is not None and (answers := await begin_call(tx, order.call)) is not None:
            return Reply(answers, is_repeat=True)
        if not await has_room(tx, order.outbox_events):
            raise Overloaded
        answers = await _take(tx, desk, order)
        if order.call is not None:
            await add_answer(tx, order.call, answers, desk.clock.now())
    return Reply(answers)


async def find_submission(desk: Desk, publisher: str, source: str, id_: str) -> Answer | None:
    """Return what became of a publisher's (source, id); by HTTP and file the id is the item's reference."""
    async with desk.database.transaction() as tx:
        if source == source_of(publisher):
            references = [reference_id_of(kind, publisher, id_) for kind in ("registration", "layoff")]
            known = await find_latest_verdict(tx, references, publisher)
        else:
            submission_id = seen_id(Envelope(id_, source, "", desk.clock.now()), publisher)
            known = (await find_verdicts(tx, [submission_id], publisher)).get(submission_id)
    if known is None:
        return None
    return {
        "kind": known.kind,
        **_answer(known),
        "arrived_at": known.arrived_at.isoformat(),
        "decided_at": known.decided_at.isoformat(),
    }


async def forget_answers(desk: Desk, age: timedelta) -> bool:
    """Forget answers older than `age` of business time; return whether there may be more."""
    return await remove_answers(desk.database, desk.clock.now() - age, CLEAN_ANSWERS) == CLEAN_ANSWERS


async def _take(tx: Tx, desk: Desk, order: Order) -> list[Answer]:
    received = await settle_items(tx, desk, order, order.good)
    ids = [submission_of(item).submission_id for item in received]
    known = await find_verdicts(tx, ids, order.publisher)
    waiting = iter(ids)
    return [malformed(item) if isinstance(item, Malformed) else _answer(known[next(waiting)]) for item in order.items]


async def settle_items(tx: Tx, desk: Desk, order: Order, items: Sequence[Item]) -> list[Received[Any]]:
    """Decide on items of a call, the way that records from Kafka go, and return them as received."""
    received = [_receive(order, item) for item in items]
    for kind, route in ((RegistrationSubmitted, TakeRegistrations), (LayoffReported, TakeLayoffs)):
        if batch := [item for item in received if isinstance(item.event, kind)]:
            handler: Any = route(desk, order.door)
            await handler.apply(tx, batch, await handler.prepare(batch))
    return received


def _receive(order: Order, item: Item) -> Received[Any]:
    """Return an item as if it had come by Kafka. Its id is its reference and content: the same item again is a copy."""
    digest = hashlib.sha256(item.model_dump_json().encode()).hexdigest()[:32]
    real, now = datetime.now(UTC), order.arrived_at
    envelope = Envelope(f"{item.reference}#{digest}", source_of(order.publisher), item.TYPE, now)
    cause: UUID = derive_id(f"{envelope.source}\x1f{envelope.id}", "intake", at=now)
    place = (order.door, _NOWHERE, _NOWHERE, item.reference)
    return Received(cause, item, envelope, *place, arrived_at=now, minute_at=real, publisher=order.publisher)


def _answer(known: Known) -> Answer:
    return {
        "verdict": known.verdict.value,
        "reasons": in_words(known.reasons),
        "warnings": in_words(known.warnings),
    }


def malformed(item: Malformed) -> Answer:
    """Return the answer to an item that does not fit the contract."""
    return {"verdict": "malformed", "reasons": in_words(item.findings), "warnings": []}
