import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from aiokafka import AIOKafkaProducer

from rintis.runtime.ports import free_port
from shared.service import Service, ServiceSettings
from shared.testing import eventually
from tests.integration.messaging.messaging_stage import Stage, a_stage
from tests.integration.poison.clerk import LIMITS, Clerk
from tests.integration.poison.hostile import POISON, good_record, hostile_record, new_key, subscriptions

HEARD = subscriptions()


@pytest.fixture
async def stage(environment: dict[str, str]) -> AsyncIterator[Stage]:
    async with a_stage(environment) as stage:
        yield stage


def a_service(environment: dict[str, str], stage: Stage) -> Service:
    """Return one process that hears every topic as its four services do."""
    heard = [replace(s, routes=dict.fromkeys(s.routes, Clerk(s.group))) for s in HEARD.values()]
    settings = ServiceSettings(kafka_bootstrap_servers=environment["KAFKA_BOOTSTRAP_SERVERS"], http_port=free_port())
    keys = stage.keys
    return Service(
        "all", settings, database=stage.database, subscriptions=heard, key_stores=[keys], record_keys=keys, limits=LIMITS
    )


async def test_every_kind_of_poison_on_every_real_topic_is_one_dead_letter_between_good_records(
    environment: dict[str, str], stage: Stage
) -> None:
    topics = {subscription.topic.name: subscription for subscription in HEARD.values()}
    good: dict[str, set[str]] = {name: set() for name in topics}
    async with AIOKafkaProducer(bootstrap_servers=environment["KAFKA_BOOTSTRAP_SERVERS"], max_request_size=1 << 20) as producer:
        for name, subscription in topics.items():
            for kind in POISON:
                bad, fine = hostile_record(subscription, kind, 0, key=new_key()), good_record(subscription, 0)
                good[name].add((fine.key or b"").decode())
                for record in (bad, fine):
                    await producer.send(record.topic, record.value, key=record.key, headers=list(record.headers), partition=0)
    service = a_service(environment, stage)
    running = asyncio.create_task(service.serve())

    async def all_settled() -> bool:
        rows = await stage.rows("select sum(next_offset)::int as n from progress where partition = 0")
        return rows[0]["n"] == 2 * len(POISON) * len(HEARD)

    try:
        await eventually(all_settled, within=120, what="every record of every topic being settled")
    finally:
        service.stop()
        await running
    await stage.database.open()
    await stage.keys.database.open()

    for consumer, subscription in HEARD.items():
        handled = await stage.rows(f"select key from effects where note = '{consumer}'")
        dead = await stage.rows(f"select reason from dead_letters where consumer = '{consumer}' order by record_offset")
        assert sorted(str(row["key"]) for row in handled) == sorted(good[subscription.topic.name]), consumer
        assert len(dead) == len(POISON), consumer
        assert all(str(row["reason"]).startswith(POISON[kind][1]) for row, kind in zip(dead, POISON, strict=True)), consumer
