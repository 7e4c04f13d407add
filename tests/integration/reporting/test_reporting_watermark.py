"""Deadlines rest on this: what arrived in time but was not yet read is never counted as missing."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
import pytest_asyncio
from aiokafka import AIOKafkaProducer

from rintis.testing.fixtures import Publish
from services.reporting.consumers import subscriptions
from shared.clock import Clock
from shared.messaging import Limits
from shared.messaging.watermark import Watermark
from shared.testing import eventually
from tests.integration.reporting.reporting_setup import Office, open_office

pytestmark = pytest.mark.servers

TOPIC = "intake.filings.oss"
KEY = b"P-1"


@dataclass
class Gauge:
    """A watermark over the filings of all publishers, and the positions that it compares with."""

    office: Office
    watermark: Watermark
    bootstrap: str

    async def is_passed(self) -> bool:
        """Return whether everything that had arrived is read."""
        return await self.watermark.advance() is not None

    async def has_read(self, count: int) -> None:
        """Say that this many records of each partition are read."""
        await self.office.rows(
            "insert into progress (consumer, topic, partition, next_offset) select 'reporting.filings', $1, p, $2 from generate_series(0, 3) p"
            " on conflict (consumer, topic, partition) do update set next_offset = excluded.next_offset returning topic",
            TOPIC,
            count,
        )


@pytest_asyncio.fixture
async def gauge(environment: dict[str, str]) -> AsyncIterator[Gauge]:
    """A watermark on real topics."""
    bootstrap = environment["KAFKA_BOOTSTRAP_SERVERS"]
    async with open_office(environment) as office:
        _, filings, _ = subscriptions(office.desk)
        watermark = Watermark(bootstrap, filings, office.desk.database, Clock(), Limits())
        yield Gauge(office, watermark, bootstrap)
        await watermark.close()


async def test_topics_without_records_hold_nothing_up(gauge: Gauge) -> None:
    assert await gauge.is_passed()


async def test_a_record_that_is_not_read_holds_deadlines_up(gauge: Gauge, publish: Publish) -> None:
    await publish(TOPIC, b"{}", key=KEY)
    assert not await gauge.is_passed()
    assert not await gauge.is_passed()
    await gauge.has_read(1)
    assert await gauge.is_passed()


async def test_the_mark_of_a_publishers_transaction_holds_nothing_up(gauge: Gauge) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=gauge.bootstrap, transactional_id="oss-1")
    await producer.start()
    async with producer.transaction():
        await producer.send_and_wait(TOPIC, b"{}", key=KEY)
    await producer.stop()
    assert not await gauge.is_passed()
    await gauge.has_read(1)
    await eventually(gauge.is_passed, what="the watermark past the transaction's mark")
