"""Two processes share the seats; one is killed midway and started again."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from aiokafka import AIOKafkaProducer

from rintis.testing.environment import ServiceStarter
from services.eligibility.settings import Settings
from shared.contracts.envelope import Envelope, derive_id, headers_of
from shared.security import Boxes, KeyStore
from shared.storage import Database
from shared.testing import eventually
from tests.integration.eligibility.eligibility_setup import MAY_20, new_worker, registered, some_facts, with_incubators
from tests.integration.inside_statements import inside_statements

PROVINCES = ("11", "12", "13", "31", "32", "33", "35", "36", "51", "73")
PLANS = ("10710", "14111", "16291", "17011", "20231", "23931", "25111", "26390", "32909", "33121")
SECTORS = ("pangan", "sandang", "kayu", "kertas", "kimia", "keramik", "logam", "elektronika", "kreatif", "reparasi")
SEATS, PEOPLE = 500, 10_000
OVERLAP = 100
UNFIT = "47111"
"""Trade: no incubator takes it."""
AUDIT = inside_statements("eligibility")
ROUTE = "select count(*)::int from seat_requests where state <> 'requested'"


@dataclass(frozen=True, slots=True)
class Registration:
    """Registers people as the registration service does: keys, sealed boxes, events on the topic."""

    keys: KeyStore
    producer: AIOKafkaProducer

    async def publish(self, people: Sequence[dict[str, Any]]) -> None:
        """Publish one event per person."""
        workers = [new_worker() for _ in people]
        facts = [some_facts(worker, **changes) for worker, changes in zip(workers, people, strict=True)]
        await self.keys.create(workers, ["facts"])
        sealed = await Boxes(self.keys).seal(list(zip(workers, facts, strict=True)), "facts")
        for worker, fact, box in zip(workers, facts, sealed, strict=True):
            event = registered(worker, fact, box or "")
            id_ = derive_id(worker, event.TYPE)
            headers = headers_of(Envelope(str(id_), "/test", event.TYPE, MAY_20, 1))
            await self.producer.send(event.TOPIC, event.model_dump_json().encode(), key=event.key().encode(), headers=headers)
        await self.producer.flush()


@asynccontextmanager
async def a_registration(environment: dict[str, str]) -> AsyncIterator[Registration]:
    """Lend what publishes registered workers."""
    settings = Settings.model_validate(environment)
    keys = KeyStore(Database(settings.keys_database_url, name="keys test"), settings.masters("facts"))
    producer = AIOKafkaProducer(bootstrap_servers=settings.kafka_bootstrap_servers, acks="all")
    await keys.database.open()
    await producer.start()
    try:
        yield Registration(keys, producer)
    finally:
        await producer.stop()
        await keys.database.close()


def waves() -> Iterator[list[dict[str, Any]]]:
    """Yield qualified people: each wave wants one sector, everywhere; one in fifty a sector that nobody incubates."""
    size = PEOPLE // len(PLANS)
    for plan in PLANS:
        yield [
            {"regency": f"{PROVINCES[i % len(PROVINCES)]}.71", "plan_kbli": UNFIT if i % 50 == 0 else plan} for i in range(size)
        ]


def incubators() -> list[dict[str, Any]]:
    """Return an incubator per province and sector, each with five seats."""
    made = itertools.product(PROVINCES, SECTORS)
    return [{"code": f"{p}-{s}", "province": p, "sectors": [s], "seats": SEATS // 100} for p, s in made]


@pytest.mark.slow
async def test_two_processes_share_the_seats_and_a_kill_midway_gives_none_twice_and_loses_none(
    environment: dict[str, str], start_service: ServiceStarter, tmp_path: Path
) -> None:
    changes = {"RINTIS_POLICIES": str(with_incubators(tmp_path, incubators()))}
    start_service("eligibility", changes, instance="steady")
    victim = start_service("eligibility", changes, instance="victim")
    connection = await asyncpg.connect(environment["DATABASE_URL_ELIGIBILITY"])
    try:
        async with a_registration(environment) as registration:
            for number, people in enumerate(waves(), start=1):
                await registration.publish(people)
                if number == len(PLANS) // 2 + 1:
                    seen = await connection.fetchval("select count(*)::int from offers")
                    assert 0 < seen < SEATS
                    victim.kill()
                    victim.start()
                # Not all of a wave: the next one comes while the last people of this one are still on their way.
                await eventually(partial(has_placed, connection, number * len(people) - OVERLAP), within=120, what="a wave")
        await eventually(partial(has_placed, connection, PEOPLE), within=120, what="everybody is placed")
        await expect_every_seat_held_once(connection)
        shares: dict[str, int] = {
            row["instance"]: row["seats"]
            for row in await connection.fetch("select instance, count(*)::int as seats from offers group by instance")
        }
        print("seats placed by each process:", shares)  # noqa: T201 - the numbers are worth seeing with -s
        assert set(shares) == {"steady", "victim"}
        assert min(shares.values()) >= SEATS / 3
    finally:
        await connection.close()


async def has_placed(connection: Any, people: int) -> bool:
    """Return whether so many were placed, waitlisted or referred."""
    return bool(await connection.fetchval(ROUTE) >= people)


async def expect_every_seat_held_once(connection: Any) -> None:
    states = Counter(dict(await connection.fetch("select state, count(*)::int from seat_requests group by state")))
    assert states == {"offered": SEATS, "referred": PEOPLE // 50, "waitlisted": PEOPLE - SEATS - PEOPLE // 50}
    assert await connection.fetchval("select count(distinct worker_id)::int from seat_requests") == PEOPLE
    assert await connection.fetchval("select count(distinct worker_id)::int from offers") == SEATS
    assert await connection.fetchval("select bool_and(taken = seats) from incubators")
    broken = [row for block, values in AUDIT.values() for row in await connection.fetch(block, *values)]
    assert broken == []
