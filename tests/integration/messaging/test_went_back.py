"""A log that lost its tail and a database that was restored: noticed, named, and gone on from once somebody has decided."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from rintis.operations.log import open_log
from rintis.operations.outboxes import learn
from rintis.operations.positions import HERE, Decision, Standing, accept, read_standings
from rintis.operations.sources import Sources
from rintis.runtime.databases import SERVICES
from rintis.testing.kafka import EmbeddedKafka, KafkaForTests
from shared.contracts.topics import WORKERS
from shared.errors import DatabaseRestored, PositionLost
from shared.storage import Database
from shared.testing import eventually
from tests.integration.messaging.messaging_stage import INTAKE_TOPIC
from tests.integration.messaging.service_stage import Pair

TABLES = ("progress", "seen", "heard", "effects", "sequences", "outbox", "flow")
"""What a restore puts back of the tables that these tests fill."""


@pytest.fixture
async def sources(environment: dict[str, str]) -> AsyncIterator[Sources]:
    databases = {
        service: Database(environment[f"AUDIT_URL_{service.upper()}"], name="audit", size=2, planner={}) for service in SERVICES
    }
    for database in databases.values():
        await database.open()
    yield Sources(databases, environment["KAFKA_BOOTSTRAP_SERVERS"])
    for database in databases.values():
        await database.close()


async def faults(sources: Sources) -> list[Standing]:
    async with open_log(sources.bootstrap) as log:
        return [standing for standing in await read_standings(sources, log) if standing.fault]


async def of_its_own_hearer(pair: Pair, sources: Sources) -> list[Standing]:
    """Return the positions of a consumer that only this stage has, as `read_standings` does for those of the system."""
    admin = AIOKafkaAdminClient(bootstrap_servers=sources.bootstrap)
    await admin.start()
    notes = await admin.list_consumer_group_offsets("registration.workers")
    await admin.close()
    rows = await pair.stage.rows("select partition, next_offset from progress where consumer = 'registration.workers'")
    positions = {int(str(row["partition"])): int(str(row["next_offset"])) for row in rows}
    return [
        Standing(
            "registration.workers",
            tp.topic,
            tp.partition,
            positions[tp.partition],
            note.offset,
            0,
            note.offset,
            "DatabaseRestored",
        )
        for tp, note in notes.items()
    ]


def a_decision(**choice: str) -> Decision:
    return Decision("operator", "power cut of 2026-03-02", datetime.now(UTC), **choice)


async def back_up(pair: Pair) -> None:
    for table in TABLES:
        await pair.stage.rows(f"create table saved_{table} as table {table}")


async def restore(pair: Pair) -> None:
    for table in TABLES:
        await pair.stage.rows(f"truncate {table}")
        columns = await pair.stage.rows(
            f"select string_agg(quote_ident(column_name), ', ') as names from information_schema.columns "
            f"where table_schema = 'public' and table_name = '{table}'"
        )
        names = columns[0]["names"]
        await pair.stage.rows(f"insert into {table} ({names}) overriding system value select {names} from saved_{table}")
    await pair.stage.rows("alter table effects alter column n restart with 100000")


async def ends(bootstrap: str, topic: str) -> dict[int, int]:
    client = AIOKafkaConsumer(bootstrap_servers=bootstrap)
    await client.start()
    try:
        return {tp.partition: end for tp, end in (await client.end_offsets([TopicPartition(topic, n) for n in range(4)])).items()}
    finally:
        await client.stop()


def cut_tails(kafka: KafkaForTests, topic: str, ends: Mapping[int, int]) -> list[int]:
    """Cut the logs of a killed broker in half, as a power cut may; return the partitions that lost anything."""
    assert isinstance(kafka, EmbeddedKafka), "only a broker whose files are at hand can lose the tail of its log"
    cut = []
    for number, end in ends.items():
        log: Path = kafka.data / f"{topic}-{number}" / "00000000000000000000.log"
        if end:
            cut.append(number)
            with log.open("r+b") as file:
                file.truncate(log.stat().st_size // 2)
    return cut


async def lose_tail_and_grow(pair: Pair, kafka: KafkaForTests, sources: Sources) -> dict[int, int]:
    """Cut the intake's log while the broker is down, and let it grow past its old ends, which are returned."""
    before = await ends(sources.bootstrap, INTAKE_TOPIC)
    await asyncio.to_thread(kafka.kill)
    cut_tails(kafka, INTAKE_TOPIC, before)
    await asyncio.to_thread(kafka.up)
    await pair.send([f"n{number}" for number in range(400)])
    return before


async def a_morning(pair: Pair, registrations: int = 100) -> None:
    """Let one batch after the other through, so that the log consists of many batches."""
    for start in range(0, registrations, 10):
        await pair.send([f"r{number}" for number in range(start, start + 10)])
    await eventually(pair.has(2 * registrations), what="everything being handled")


async def test_a_log_that_lost_its_tail_is_named_and_read_again_once_somebody_has_decided(
    pair: Pair, kafka: KafkaForTests, sources: Sources
) -> None:
    await pair.start()
    await a_morning(pair)
    await pair.stop()
    before = await ends(sources.bootstrap, INTAKE_TOPIC)
    await asyncio.to_thread(kafka.kill)
    cut_tails(kafka, INTAKE_TOPIC, before)
    await asyncio.to_thread(kafka.up)

    await pair.start()
    assert isinstance(failure := await pair.fails(), PositionLost)
    assert "its tail was lost" in str(failure)
    assert failure.details["topic"] == INTAKE_TOPIC
    await pair.stop()

    found = await faults(sources)
    assert {standing.fault for standing in found} == {"PositionLost"}
    await accept(pair.stage.database, found, a_decision())
    await pair.start()
    await pair.send(["late"])

    assert await eventually(pair.has(202), what="the new registration being handled, and no old one again")
    assert await faults(sources) == []


async def test_a_log_that_lost_its_tail_and_grew_past_the_position_again_is_named(
    pair: Pair, kafka: KafkaForTests, sources: Sources
) -> None:
    await pair.start()
    await a_morning(pair)
    await pair.stop()
    before = await lose_tail_and_grow(pair, kafka, sources)
    assert all(end > before[number] for number, end in (await ends(sources.bootstrap, INTAKE_TOPIC)).items())

    await pair.start()
    assert isinstance(failure := await pair.fails(), PositionLost)
    assert "its tail was lost and it grew again" in str(failure)
    await pair.stop()

    await accept(pair.stage.database, await faults(sources), a_decision())
    await pair.start()
    assert await eventually(pair.has(2 * 500), what="what took the old places being handled, and nothing twice")


async def test_a_tail_that_is_lost_under_a_running_service_is_named_before_anything_new_is_handled(
    pair: Pair, kafka: KafkaForTests, sources: Sources
) -> None:
    await pair.start()
    await a_morning(pair)
    await lose_tail_and_grow(pair, kafka, sources)

    assert isinstance(await pair.fails(), PositionLost)
    await pair.stop()
    lost = {(standing.topic, standing.partition) for standing in await faults(sources)}
    assert lost
    assert {topic for topic, _ in lost} == {INTAKE_TOPIC}


async def test_going_on_from_the_old_position_handles_only_what_lies_behind_it(
    pair: Pair, kafka: KafkaForTests, sources: Sources
) -> None:
    await pair.start()
    await a_morning(pair)
    await pair.stop()
    before = await lose_tail_and_grow(pair, kafka, sources)
    after = await ends(sources.bootstrap, INTAKE_TOPIC)
    await accept(pair.stage.database, await faults(sources), a_decision(read_from=HERE))
    await pair.start()

    behind = sum(after.values()) - sum(before.values())
    assert await eventually(pair.has(2 * (100 + behind)), what="what lies behind the old positions being handled")


async def test_a_restored_database_is_named_and_exactly_the_lost_work_is_done_again(pair: Pair, sources: Sources) -> None:
    await pair.start()
    await a_morning(pair, 60)
    await pair.stop()
    await back_up(pair)
    await pair.start()
    await pair.send([f"lost{number}" for number in range(40)])
    await eventually(pair.has(200), what="everything being handled")
    ids = await pair.stage.rows("select event_id from effects where note like 'RNT%' order by event_id")
    await pair.stop()
    await restore(pair)

    await pair.start_up()
    assert isinstance(failure := await pair.fails(), DatabaseRestored)
    assert failure.details["consumer"] == "registration.outbox"
    await pair.stop()

    found = await faults(sources)
    assert {standing.consumer for standing in found} == {"registration.outbox", "registration.registrations"}
    found += await of_its_own_hearer(pair, sources)
    outbox = [standing for standing in found if standing.consumer == "registration.outbox"]
    await accept(pair.stage.database, [standing for standing in found if standing not in outbox], a_decision())
    async with open_log(sources.bootstrap) as log:
        await learn("registration", log, pair.stage.database, outbox, a_decision())
    await pair.start()
    await eventually(pair.has_registered(100), what="every registration being handled once")
    again = "select distinct event_id from effects where note like 'RNT%' order by event_id"
    await eventually(lambda: pair.finds(again, ids), what="the same events being heard, under the same ids")
    assert pair.failure is None
    assert await faults(sources) == []


async def test_a_database_that_is_restored_under_a_running_service_is_named(pair: Pair) -> None:
    await pair.start()
    await a_morning(pair, 20)
    await back_up(pair)
    await pair.send([f"lost{number}" for number in range(20)])
    await eventually(pair.has(80), what="everything being handled")
    await restore(pair)
    await pair.send([f"new{number}" for number in range(20)])

    assert isinstance(await pair.fails(), DatabaseRestored)


async def test_a_publisher_whose_database_forgot_its_numbers_stops_before_it_gives_them_out_again(pair: Pair) -> None:
    await pair.start()
    await a_morning(pair, 20)
    await pair.stop()
    await pair.stage.rows("truncate sequences")

    await pair.start_up()
    assert isinstance(failure := await pair.fails(), DatabaseRestored)
    assert failure.details["topic"] == WORKERS.name


async def test_records_without_an_id_and_markers_of_transactions_are_no_sign_of_a_loss(
    pair: Pair, environment: dict[str, str]
) -> None:
    await pair.start()
    await a_morning(pair, 20)
    producer = AIOKafkaProducer(
        bootstrap_servers=environment["KAFKA_BOOTSTRAP_SERVERS"], transactional_id="foreign", enable_idempotence=True
    )
    await producer.start()
    async with producer.transaction():
        for number in range(4):
            await producer.send(INTAKE_TOPIC, None, key=b"hostile", partition=number, headers=[("ce_id", None)])
    await producer.stop()
    await eventually(lambda: pair.finds("select count(*)::int as n from dead_letters", [{"n": 4}]), what="all poison being dead")
    await pair.stop()

    await pair.start()
    await pair.send(["good"])
    assert await eventually(pair.has(42), what="the service going on as if nothing were wrong")
    assert pair.failure is None
