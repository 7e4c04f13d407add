"""Due messages are sent: taken in a short transaction, sent outside any, recorded in another."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4

from jinja2 import TemplateError

from services.notification import metrics
from services.notification.domain.messages import (
    Answer,
    Channel,
    Fate,
    State,
    decide_fate,
    decide_lost,
    find_staleness,
    read_address,
    read_email,
    read_mobile,
)
from services.notification.gateways import SUSPECT, Gateway, Letter, Result
from services.notification.handlers.announcing import announce_fates
from services.notification.handlers.telling import MODELS, Desk
from services.notification.rendering import Renderer
from services.notification.repository import messages as repository
from services.notification.repository.messages import Message, Verdict
from shared.contracts.boxes import Company, Contact
from shared.errors import Unprocessable
from shared.messaging.retry import RetryPolicy
from shared.storage import TRANSIENT, Database
from shared.telemetry import get_logger

log = get_logger(__name__)

LOST_AT_ONCE = 2_000
"""Lost messages settled in one transaction: more than one sender can hold."""

RECORD_RETRY_SECONDS = 0.5
"""Pause before a set is recorded again: sooner than anybody looks for lost ones, who would take it for one."""

UNFIT = (TemplateError, LookupError, TypeError, ValueError)
"""What rendering raises where template and parameters do not fit; such a message fails by itself, and not its set."""

Opened = Contact | Company | None


@dataclass(frozen=True, slots=True)
class Pace:
    """The bounds that a sender of one channel works within; `Settings` gives their reasons."""

    claimed: int
    at_once: int
    lease_seconds: float
    retry: RetryPolicy
    holder: str | None = None
    """The slot that its process runs in."""


class Sender:
    """Sends the messages of one channel, a set at a time. Any number may run, in any number of processes."""

    def __init__(self, channel: Channel, desk: Desk, *, database: Database, gateway: Gateway, pace: Pace) -> None:
        self.channel = channel
        self._desk = desk
        self._database = database
        self._gateway = gateway
        self._pace = pace
        self._renderer = Renderer()
        self._slots = asyncio.Semaphore(pace.at_once)
        self._seconds = metrics.ATTEMPT_SECONDS.labels(channel)
        self._is_stopping = False
        self._doubtful: list[UUID] = []
        """Leases of claims of which nobody knows whether they were committed."""

    async def run(self) -> bool:
        """Send one set; return whether there may be more. A stop waits for what is in flight and puts the rest back."""
        work = asyncio.create_task(self.send_set())
        try:
            return await asyncio.shield(work)
        except asyncio.CancelledError:
            self._is_stopping = True
            await asyncio.wait({work})
            if error := work.exception():
                log.warning("A set was not recorded before the stop.", action="set_unrecorded", error=type(error).__name__)
            raise

    async def send_set(self) -> bool:
        """Take a set, send it, record it."""
        lease = uuid4()
        claimed = await self._claim(lease)
        if not claimed:
            return False
        stale = {m.id: reason for m in claimed if (reason := self._staleness(m, self._desk.clock.now()))}
        verdicts = [_skip(m, stale[m.id]) for m in claimed if m.id in stale]
        verdicts += await self._send(lease, [m for m in claimed if m.id not in stale])
        await self._record(lease, verdicts, is_last=True)
        return len(claimed) == self._pace.claimed

    async def _claim(self, lease: UUID) -> list[Message]:
        """Take a set. One whose answer was lost may have been taken: it is put back with the next, since nobody sends it."""
        held = repository.Lease(lease, self._pace.lease_seconds, self._pace.holder)
        doubtful = list(self._doubtful)
        self._doubtful.append(lease)
        # One statement, its own transaction: senders look after every commit of a consumer, and mostly there is nothing for them.
        async with self._database.transaction() if doubtful else self._database.connection() as tx:
            if doubtful:
                await repository.put_back(tx, doubtful)
            claimed = await repository.claim_messages(tx, self.channel, limit=self._pace.claimed, lease=held)
        self._doubtful.clear()
        return claimed

    async def settle_lost(self) -> bool:
        """Decide about messages whose sender vanished: an SMS is sent again under its key, an e-mail is unknown."""
        now = self._desk.clock.now()
        async with self._database.transaction() as tx:
            lost = await repository.find_lost(tx, LOST_AT_ONCE)
            fates = [(message, decide_lost(message.channel)) for message in lost]
            if fates:
                await repository.settle_lost(tx, fates, now)
                await announce_fates(tx, self._desk.outbox, fates, now)
            await repository.end_leases(tx)
        _count(fates)
        return len(lost) == LOST_AT_ONCE

    async def _send(self, lease: UUID, messages: Sequence[Message]) -> list[Verdict]:
        try:
            opened = await self._open(messages)
        except BaseException:
            # Nothing was sent yet: say so, or an e-mail would count as unknown.
            await self._record(lease, [Verdict(m, Fate(State.WAITING), Answer.NOT_TRIED) for m in messages])
            raise
        verdicts = [_fail(m, "box_unreadable") for m in messages if m.id not in opened]
        routes = {m.id: self._route(m, opened[m.id]) for m in messages if m.id in opened}
        ended = [route for route in routes.values() if isinstance(route, Verdict)]
        if moved := [verdict for verdict in ended if verdict.channel]:
            # At once: another channel's sender need not wait for the provider of this one.
            await self._record(lease, moved)
        verdicts += [verdict for verdict in ended if not verdict.channel]
        sends = [
            self._send_one(message, contact, to)
            for message in messages
            if isinstance(to := routes.get(message.id), str) and (contact := opened[message.id])
        ]
        return verdicts + await asyncio.gather(*sends)

    def _route(self, message: Message, contact: Opened) -> str | Verdict:
        """Return the address to send to; where there is none on this channel, the verdict: another channel, or skipped."""
        if contact is None:
            return _skip(message, "erased")
        if to := read_mobile(contact.phone) if self.channel is Channel.SMS else read_email(contact.email):
            return to
        other = read_address(contact.phone, contact.email).best(tuple(Channel))
        return Verdict(message, Fate(State.WAITING), Answer.NOT_TRIED, channel=other) if other else _skip(message, "no_channel")

    async def _open(self, messages: Sequence[Message]) -> Mapping[UUID, Opened]:
        """Open the set's boxes, one look-up per kind of box."""
        opened: dict[UUID, Opened] = {}
        for box, model in MODELS.items():
            group = [m for m in messages if m.box == box]
            try:
                contents = await self._desk.boxes[box].open([(m.subject_id, m.sealed) for m in group], box, model)
            except Unprocessable:
                if len(messages) > 1:
                    # One box that cannot be read costs its neighbours nothing: each is opened by itself.
                    return {k: v for m in messages for k, v in (await self._open([m])).items()}
                continue
            opened |= {m.id: content for m, content in zip(group, contents, strict=True)}
        return opened

    async def _send_one(self, message: Message, contact: Contact | Company, to: str) -> Verdict:
        try:
            letter = self._write(message, to, contact)
        except UNFIT:
            return _fail(message, "template_unfit")
        async with self._slots:
            result = Result(Answer.NOT_TRIED) if self._is_stopping else await self._hand_in(letter, message)
        is_last = message.attempts >= self._pace.retry.attempts
        fate = decide_fate(self.channel, result.answer, result.reason, is_last=is_last)
        delay = 0.0 if result.answer is Answer.NOT_TRIED else self._pace.retry.delay(message.attempts) or 0.0
        return Verdict(message, fate, result.answer, result.reason, delay)

    async def _hand_in(self, letter: Letter, message: Message) -> Result:
        began = time.perf_counter()
        result = await self._gateway.send(letter)
        self._seconds.observe(time.perf_counter() - began)
        if result.answer is Answer.UNCLEAR and message.attempts >= self._pace.retry.attempts:
            return await self._gateway.find(letter.message_id)
        return result

    def _write(self, message: Message, to: str, contact: Contact | Company) -> Letter:
        subject, body = self._renderer.write(self.channel, message.template, message.parameters, dict(contact))
        return Letter(message.id, to, body, subject, message.attempts if message.reason in SUSPECT else 1)

    async def _record(self, lease: UUID, verdicts: Sequence[Verdict], *, is_last: bool = False) -> None:
        """Record what became of messages, however long the database is away.

        A set that is forgotten counts as lost when its lease ends: its SMS are sent again, and nobody knows of its e-mails.
        """
        while True:
            try:
                return await self._record_once(lease, verdicts, is_last=is_last)
            except TRANSIENT as error:
                if self._is_stopping:
                    raise
                log.warning("A set cannot be recorded yet.", action="record_waits", error=type(error).__name__)
            await asyncio.sleep(RECORD_RETRY_SECONDS)

    async def _record_once(self, lease: UUID, verdicts: Sequence[Verdict], *, is_last: bool) -> None:
        now = self._desk.clock.now()
        async with self._database.transaction() as tx:
            held = await repository.settle_messages(tx, lease, verdicts, now, is_last=is_last)
            fates = [(v.message, v.fate) for v in verdicts if v.message.id in held]
            await announce_fates(tx, self._desk.outbox, fates, now)
        _count(fates)

    @staticmethod
    def _staleness(message: Message, now: datetime) -> str | None:
        return find_staleness(now, message.valid_until, message.facts_versions)


def _skip(message: Message, reason: str) -> Verdict:
    return Verdict(message, Fate(State.SKIPPED, reason), Answer.NOT_TRIED)


def _fail(message: Message, reason: str) -> Verdict:
    return Verdict(message, Fate(State.FAILED, reason), Answer.REFUSED, reason)


def _count(fates: Sequence[tuple[Message, Fate]]) -> None:
    for (channel, state), count in Counter((message.channel, fate.state) for message, fate in fates).items():
        metrics.MESSAGES.labels(channel, state).inc(count)
