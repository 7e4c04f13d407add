"""Handled records leave the intake's topics, others stay."""

from datetime import UTC, datetime, timedelta

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from shared.messaging.trimming import delete_below, find_handled
from shared.testing import eventually
from tests.integration.messaging.messaging_stage import INTAKE_TOPIC, a_stage
from tests.integration.messaging.service_stage import Pair

pytestmark = pytest.mark.servers

REFERENCES = [f"R{number}" for number in range(12)]


async def test_what_was_handled_is_deleted_once_it_is_old_enough_and_what_was_not_stays(environment: dict[str, str]) -> None:
    bootstrap = environment["KAFKA_BOOTSTRAP_SERVERS"]
    async with a_stage(environment) as stage:
        pair = Pair(environment, stage)
        await pair.send(REFERENCES)
        client = AIOKafkaConsumer(INTAKE_TOPIC, bootstrap_servers=bootstrap, enable_auto_commit=False)
        await client.start()
        try:
            partitions = [TopicPartition(INTAKE_TOPIC, number) for number in client.partitions_for_topic(INTAKE_TOPIC)]
            ends = await client.end_offsets(partitions)
            longest = max(ends, key=lambda tp: ends[tp])
            positions = ends | {longest: ends[longest] - 1}
            now = datetime.now(UTC)

            assert await find_handled(client, positions, now - timedelta(hours=24)) == {}
            bounds = await find_handled(client, positions, now + timedelta(seconds=1))
            assert bounds == {tp: at for tp, at in positions.items() if at > 0}

            await delete_below(bootstrap, bounds)
            await delete_below(bootstrap, bounds)

            begins = await client.beginning_offsets(partitions)
            assert {tp: ends[tp] - begins[tp] for tp in partitions} == {tp: int(tp == longest) for tp in partitions}
        finally:
            await client.stop()


async def test_a_consumer_deletes_what_it_has_handled_and_goes_on_after_a_restart(environment: dict[str, str]) -> None:
    async with a_stage(environment) as stage:
        pair = Pair(environment, stage)
        await pair.start()
        await pair.send(REFERENCES)
        await eventually(pair.has_registered(len(REFERENCES)), what="all being registered")

        assert await pair.trim(hours=24) == 0
        assert await pair.trim(hours=-1) == len(REFERENCES)

        await pair.stop()
        await pair.start()
        await pair.send(["later"])
        await eventually(pair.has_registered(len(REFERENCES) + 1), what="the next one being registered")
        assert pair.failure is None
        await pair.stop()
