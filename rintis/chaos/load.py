"""The load: outside systems that publish, and go on publishing while the system is broken under them."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import Counter, deque
from collections.abc import Sequence
from http import HTTPStatus
from pathlib import Path
from typing import Any

import aiohttp
import orjson
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from rintis.chaos.cases import PEOPLE, Case, Cases, Shares
from rintis.chaos.place import Place
from rintis.chaos.sent import Acknowledged, Book

TICK_SECONDS = 0.05
"""How often new events are drawn: small beside any fault."""
MOST_WAITING = 4_000
"""Events that wait for a server that is away; above it the outside world sends nothing new, it has its own memory to mind."""
BATCH_RECORDS = 500
"""Records sent before their acknowledgements are waited for."""
ACK_SECONDS = 10.0
"""After so long without an acknowledgement the records are sent once more, with their old ids."""
HTTP_ITEMS = 20
"""Registrations in one call."""
HTTP_SECONDS = 15.0
"""Longest wait for an answer; afterwards the same call goes out again under its key."""
PAUSE_SECONDS = 0.5
"""Before trying a server again that refused or was away."""
LONGEST_RETRY_AFTER = 30.0
"""A server that asks for more patience than this is asked again after this."""


class Load:
    """Publishes registrations, permits and reports at a rate, by Kafka and HTTP. Late is not lost: it waits and resumes.

    Every id is on file before it is sent. After an unclear answer the same event goes out again under the same id.
    """

    def __init__(self, place: Place, *, seed: int, per_second: float, folder: Path, shares: Shares | None = None) -> None:
        self._place = place
        self._per_second = per_second
        self._book = Book(folder)
        self._cases = Cases(seed, self._book.next_number, shares or Shares())
        self._to_kafka: deque[Case] = deque()
        self._to_http: deque[Case] = deque()
        self._is_drawing = True
        self.acknowledged = 0
        """Events that were taken so far."""
        self.answers: Counter[str] = Counter()
        """HTTP answers by status code, and the calls that got none."""
        self.failures: Counter[str] = Counter()
        """Failed sends to Kafka by kind of error."""

    async def run(self, until: asyncio.Event) -> None:
        """Publish until told to stop, and return once everything that was drawn is acknowledged."""
        senders = [asyncio.create_task(self._send_to_kafka()), asyncio.create_task(self._send_by_http())]
        try:
            await self._draw(until)
            self._is_drawing = False
            await asyncio.gather(*senders)
        finally:
            for task in senders:
                task.cancel()
            await asyncio.gather(*senders, return_exceptions=True)
            self._book.close()

    async def _draw(self, until: asyncio.Event) -> None:
        start, drawn = time.monotonic(), 0
        while not until.is_set():
            owed = int((time.monotonic() - start) * self._per_second) - drawn
            if len(self._to_kafka) + len(self._to_http) < MOST_WAITING:
                for _ in range(owed):
                    for case in self._cases.draw():
                        (self._to_http if case.item else self._to_kafka).append(case)
                drawn += owed
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(until.wait(), TICK_SECONDS)

    async def _send_to_kafka(self) -> None:
        producer: Any = None
        try:
            while self._is_drawing or self._to_kafka:
                if not self._to_kafka:
                    await asyncio.sleep(TICK_SECONDS)
                    continue
                try:
                    producer = producer or await self._start_producer()
                    await self._send_batch(producer)
                except KafkaError as error:
                    self.failures[type(error).__name__] += 1
                    await _discard(producer)
                    producer = None
                    await asyncio.sleep(PAUSE_SECONDS)
        finally:
            await _discard(producer)

    async def _start_producer(self) -> Any:
        producer = AIOKafkaProducer(
            bootstrap_servers=self._place.bootstrap, acks="all", enable_idempotence=True, request_timeout_ms=20_000
        )
        try:
            await producer.start()
        except KafkaError:
            await producer.stop()
            raise
        return producer

    async def _send_batch(self, producer: Any) -> None:
        """Send what waits; what was not acknowledged goes back to the front, in its order. Raises KafkaError for those."""
        batch = [self._to_kafka.popleft() for _ in range(min(BATCH_RECORDS, len(self._to_kafka)))]
        self._book.note_sent(case.sent for case in batch)
        results: list[Any] = [KafkaError("not sent")] * len(batch)
        try:
            async with asyncio.timeout(ACK_SECONDS):
                futures = [await producer.send(c.topic, c.value, key=c.key, headers=c.headers) for c in batch]
                results = await asyncio.gather(*futures, return_exceptions=True)
        except TimeoutError:
            pass
        failed = [case for case, result in zip(batch, results, strict=True) if isinstance(result, BaseException)]
        taken = [(c.sent.number, r) for c, r in zip(batch, results, strict=True) if not isinstance(r, BaseException)]
        at = time.time()
        self._book.note_acknowledged(Acknowledged(number, at, r.partition, r.offset) for number, r in taken)
        self.acknowledged += len(taken)
        self._to_kafka.extendleft(reversed(failed))
        if failed:
            raise next((r for r in results if isinstance(r, KafkaError)), KafkaError("no acknowledgement in time"))

    async def _send_by_http(self) -> None:
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=HTTP_SECONDS)) as client:
            while self._is_drawing or self._to_http:
                if not self._to_http:
                    await asyncio.sleep(TICK_SECONDS)
                    continue
                batch = [self._to_http.popleft() for _ in range(min(HTTP_ITEMS, len(self._to_http)))]
                self._book.note_sent(case.sent for case in batch)
                await self._call(client, batch)

    async def _call(self, client: aiohttp.ClientSession, batch: Sequence[Case]) -> None:
        """Make one call until there is an answer that is clear."""
        headers = {
            "Authorization": f"Bearer {self._place.tokens[PEOPLE]}",
            "Idempotency-Key": f"call-{batch[0].sent.number}",
            "Content-Type": "application/json",
        }
        body = orjson.dumps({"items": [case.item for case in batch]})
        while True:
            pause = PAUSE_SECONDS
            address = f"{self._place.http['registration']}/registrations/batch"
            try:
                async with client.post(address, data=body, headers=headers) as answer:
                    status, asked, told = answer.status, answer.headers.get("Retry-After"), await answer.read()
            except (aiohttp.ClientError, OSError) as error:  # a TimeoutError is one too
                self.answers[type(error).__name__] += 1
            else:
                self.answers[str(status)] += 1
                if status == HTTPStatus.ACCEPTED:
                    verdicts = [item["verdict"] for item in orjson.loads(told)["verdicts"]]
                    taken = zip(batch, verdicts, strict=True)
                    self._book.note_acknowledged(Acknowledged(c.sent.number, time.time(), verdict=v) for c, v in taken)
                    self.acknowledged += len(batch)
                    return
                if status == HTTPStatus.SERVICE_UNAVAILABLE and asked is None:
                    self.answers["503 without Retry-After"] += 1
                pause = min(LONGEST_RETRY_AFTER, float(asked or PAUSE_SECONDS))
            await asyncio.sleep(pause)


async def _discard(producer: Any) -> None:
    """Throw a producer away without its flush, which would wait for a broker that is gone."""
    if producer is None:
        return
    task = producer._sender.sender_task  # noqa: SLF001 - aiokafka has no public way to stop without a flush
    if task is not None:
        task.cancel()
    with contextlib.suppress(TimeoutError, KafkaError, asyncio.CancelledError):
        await asyncio.wait_for(producer.stop(), PAUSE_SECONDS)
