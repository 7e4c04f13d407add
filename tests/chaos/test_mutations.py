"""The oracle can fail: systems that break one promise each are caught within one run, and the one that keeps them all is not."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import UUID

import asyncpg
import pytest

from rintis.chaos.judgement import Judgement, Kind
from rintis.chaos.load import Load
from rintis.chaos.oracle import judge, settled
from rintis.testing.kafka import KafkaForTests
from rintis.testing.postgres import PostgresForTests
from shared.messaging.relay import BUCKET_LOCKS
from shared.storage import load_queries
from shared.testing import eventually
from tests.chaos.chaos_mutations import copy_source
from tests.chaos.chaos_site import Site

pytestmark = [pytest.mark.slow, pytest.mark.mutations, pytest.mark.timeout(600)]

PER_SECOND = 80
WARM = 300
"""Events taken before anything is broken."""
BETWEEN = 150
"""Events taken between one fault and the next."""
BUCKETS = 16
"""Buckets of every outbox: the last four bits of a key's hash."""
RELAY_SECONDS = 10.0
"""A relay that finds buckets free reads them within a second."""
SETTLE_SECONDS = 240.0
BROKEN_SECONDS = 30.0
"""A system that lost something may wait for it for ever; what is there after this is counted."""
SQL = load_queries("shared.storage")


async def test_a_system_that_keeps_its_promises_is_found_clean_after_every_one_of_these_faults(
    site: Site, kafka: KafkaForTests, postgres: PostgresForTests, tmp_path: Path
) -> None:
    site.system.start.extra |= copy_source(tmp_path / "source")
    async with loaded(site, tmp_path) as load:
        await kill_services(site, load, "registration", "eligibility", "notification", "reporting")
        await kill_postgres(site, load, postgres)
        await kill_kafka(load, kafka)
        await lose_what_a_relay_holds(site, load, kafka)

    judgement = await judged(site, tmp_path, SETTLE_SECONDS)

    assert judgement.is_clean, judgement.as_dict()
    assert judgement.count("unexpected_dead_letters") == 0, judgement.as_dict()
    assert min(judgement.measured.values()) > 0, judgement.measured


async def test_a_position_stored_before_the_data_is_found_to_lose_events(site: Site, tmp_path: Path) -> None:
    site.system.start.extra |= copy_source(tmp_path / "source", "position_before_data")
    async with loaded(site, tmp_path) as load:
        await kill_services(site, load, *["registration", "eligibility", "notification"] * 2)

    judgement = await judged(site, tmp_path, BROKEN_SECONDS)

    assert told(judgement, "lost") & {"record_unaccounted_for", "event_without_decision", "event_without_message"}


async def test_copies_that_nobody_recognises_and_batches_that_nobody_fences_are_found_to_double_effects(
    site: Site, tmp_path: Path
) -> None:
    site.system.start.extra |= copy_source(tmp_path / "source", "no_dedup_no_fence")
    async with loaded(site, tmp_path) as load:
        await kill_services(site, load, "reporting", "registration")

    judgement = await judged(site, tmp_path, BROKEN_SECONDS)

    assert told(judgement, "doubled") >= {"event_said_twice", "filing_counted_twice"}


async def test_a_relay_that_deletes_before_the_acknowledgement_is_found_to_lose_events(
    site: Site, kafka: KafkaForTests, tmp_path: Path
) -> None:
    site.system.start.extra |= copy_source(tmp_path / "source", "delete_before_ack")
    async with loaded(site, tmp_path) as load:
        await lose_what_a_relay_holds(site, load, kafka)

    judgement = await judged(site, tmp_path, BROKEN_SECONDS)

    assert "event_never_on_topic" in told(judgement, "lost")


async def test_gates_that_let_followers_overtake_are_found_to_put_older_news_over_newer(site: Site, tmp_path: Path) -> None:
    site.system.start.extra |= copy_source(tmp_path / "source", "followers_overtake")
    async with loaded(site, tmp_path):
        pass

    judgement = await judged(site, tmp_path, BROKEN_SECONDS)

    assert "older_news_stands_in_permit" in told(judgement, "out_of_order")


@asynccontextmanager
async def loaded(site: Site, folder: Path) -> AsyncIterator[Load]:
    """Publish while the block runs, and until everything is acknowledged."""
    await asyncio.to_thread(site.system.up)
    load, until = Load(site, seed=5, per_second=PER_SECOND, folder=folder), asyncio.Event()
    running = asyncio.create_task(load.run(until))
    try:
        await taken(load, WARM)
        yield load
        until.set()
        await asyncio.wait_for(asyncio.shield(running), SETTLE_SECONDS)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def taken(load: Load, more: int) -> None:
    wanted = load.acknowledged + more
    await eventually(lambda: load.acknowledged >= wanted, within=120, what=f"{more} more events being taken")


async def kill_services(site: Site, load: Load, *names: str) -> None:
    for name in names:
        process = site.system.processes[name]
        process.kill()
        process.start()
        await taken(load, BETWEEN)
        await asyncio.to_thread(process.wait_until_ready, 120)


async def kill_postgres(site: Site, load: Load, postgres: PostgresForTests) -> None:
    postgres.kill()
    await asyncio.to_thread(postgres.up)
    for process in site.system.processes.values():
        await asyncio.to_thread(process.wait_until_ready, 120)
    await taken(load, BETWEEN)


async def kill_kafka(load: Load, kafka: KafkaForTests) -> None:
    await asyncio.to_thread(kafka.kill)
    await asyncio.to_thread(kafka.up)
    await taken(load, BETWEEN)


async def lose_what_a_relay_holds(site: Site, load: Load, kafka: KafkaForTests) -> None:
    """Let a relay read its outbox while the broker is dead, and kill it: what it deleted by then is on no topic, whatever the timing."""
    registration = site.system.processes["registration"]
    outbox = await asyncpg.connect(site.databases["registration"])
    try:
        await hold_leases(outbox)
        await eventually(lambda: waiting(outbox), within=120, what="events in the outbox of registration")
        await asyncio.to_thread(kafka.kill)
        held = await waiting(outbox)
        await outbox.execute(SQL["release_buckets"])
        # Only a relay that deletes too early empties an outbox now; one that keeps its promise still has all of it at the end.
        with contextlib.suppress(AssertionError):
            await eventually(
                lambda: has_gone(outbox, held), within=RELAY_SECONDS, what="a relay that deletes what it has not sent"
            )
    finally:
        await outbox.close()
    registration.kill()
    await asyncio.to_thread(kafka.up)
    registration.start()
    await taken(load, BETWEEN)
    await asyncio.to_thread(registration.wait_until_ready, 120)


async def hold_leases(outbox: asyncpg.Connection) -> None:
    """Take every bucket of an outbox, as another relay does, once nobody sends from it."""
    for bucket in range(BUCKETS):
        await outbox.execute("select pg_advisory_lock($1::int, $2::int)", BUCKET_LOCKS, bucket)


async def waiting(outbox: asyncpg.Connection) -> set[UUID]:
    return {row["event_id"] for row in await outbox.fetch("select event_id from outbox")}


async def has_gone(outbox: asyncpg.Connection, events: set[UUID]) -> bool:
    return not events & await waiting(outbox)


async def judged(site: Site, folder: Path, within: float) -> Judgement:
    await settled(site, within)
    judgement = await judge(site, folder)
    # Shown by pytest's `-s`: the guarantees' page quotes it.
    sys.stdout.write("".join(f"{found}\n" for found in judgement.found))
    return judgement


def told(judgement: Judgement, kind: Kind) -> set[str]:
    return {found.what for found in judgement.found if found.kind == kind}
