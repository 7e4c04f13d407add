from collections.abc import Sequence

import pytest

from shared.messaging.records import StoredRecord
from tests.integration.messaging.messaging_stage import Stage
from tests.integration.poison.clerk import Bench
from tests.integration.poison.hostile import POISON as KINDS
from tests.integration.poison.hostile import (
    PUBLISHER,
    example_of,
    expected_field,
    good_record,
    hostile_record,
    new_key,
    subscriptions,
)

HEARD = subscriptions()
PARTITIONS = {"alone": 0, "in the middle of a batch": 1}
"""Each way has a partition, and with it a part of the log, of its own."""


def place(records: Sequence[StoredRecord], partition: int) -> list[StoredRecord]:
    return [
        StoredRecord(r.topic, partition, 1_000 * partition + n, r.timestamp, r.key, r.value, r.headers)
        for n, r in enumerate(records)
    ]


@pytest.mark.parametrize("way", PARTITIONS)
@pytest.mark.parametrize("consumer", HEARD)
async def test_every_kind_of_poison_is_one_dead_letter_and_harms_no_neighbour_first_or_redriven(
    shared_stage: Stage, consumer: str, way: str
) -> None:
    bench, partition = Bench.of(shared_stage, HEARD[consumer]), PARTITIONS[way]
    heard, topic = bench.subscription, bench.subscription.topic
    name = topic.of(PUBLISHER) if topic.is_intake else topic.name
    records: list[StoredRecord] = []
    neighbours: list[str] = []
    kinds: dict[int, str] = {}
    for kind in KINDS:
        key, before = new_key(), new_key()
        kinds[1_000 * partition + len(records) + 1] = kind
        # One neighbour of another key before it, one of its own key behind it.
        hostile = hostile_record(heard, kind, 0, key=key)
        records += [good_record(heard, 0, key=before), hostile, good_record(heard, 0, key=key, sequence=2)]
        neighbours += [before, key]
    sick = new_key()
    records.append(good_record(heard, 0, key=sick))
    bench.clerk.sick = {sick}
    placed = place(records, partition)
    known = set(await bench.letters())
    async with shared_stage.database.transaction() as tx:
        starts = {(name, partition): 1_000 * partition}
        bench.pipeline.positions.reading = await bench.pipeline.positions.start(tx, starts)

    for batch in [[record] for record in placed] if way == "alone" else [placed]:
        await bench.pipeline.process(batch)

    handled = [key for key in await bench.handled() if key in neighbours]
    assert sorted(handled) == sorted(neighbours)
    letters = {offset: letter for offset, letter in (await bench.letters()).items() if offset not in known}
    assert set(letters) == {*kinds, placed[-1].offset}
    for offset, kind in kinds.items():
        reason, field, attempts, state = letters[offset]
        assert (kind, field, attempts, state) == (kind, expected_field(heard, kind), 1, "open")
        assert reason.startswith(KINDS[kind][1]), kind

    bench.clerk.sick = set()
    outcomes = await bench.redrive_all()

    again = await bench.letters()
    assert outcomes["fixed"] == 1, "what was only waiting for a repair is mended among the poison"
    assert again[placed[-1].offset][3] == "fixed"
    for offset, kind in kinds.items():
        assert again[offset][:2] == letters[offset][:2], kind
        assert again[offset][2:] == (2, "open"), kind
    assert [key for key in await bench.handled() if key in {*neighbours, sick}] == [*handled, sick]


@pytest.mark.parametrize("consumer", HEARD)
async def test_no_personal_datum_of_a_hostile_record_is_in_its_dead_letter(shared_stage: Stage, consumer: str) -> None:
    texts = example_of(HEARD[consumer]).texts
    async with shared_stage.database.connection() as connection:
        rows = await connection.fetch("select * from dead_letters where consumer = $1", consumer)
    assert rows, "the matrix has run before"
    is_intake = HEARD[consumer].topic.is_intake
    for row in rows:
        # The record itself: sealed where it comes from outside; on our own topics it holds sealed boxes and codes only.
        shown = [value for name, value in row.items() if name not in {"consumer", "topic", "record", "event_type", "state"}]
        words = " ".join(map(str, shown))
        assert not [text for text in texts if text in words]
        assert not is_intake or not any(text.encode() in row["record"] for text in texts)
        assert not is_intake or row["key"] is None
