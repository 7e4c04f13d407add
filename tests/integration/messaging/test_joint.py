"""Consumers that are read by one client are settled in one transaction, each under its own name, and alone where one of them fails."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from uuid import UUID, uuid4

import pytest

from shared.clock import Clock
from shared.contracts.eligibility import WorkerWaitlisted
from shared.contracts.envelope import Envelope, Event, derive_id, headers_of
from shared.contracts.registration import WorkerRegistered
from shared.contracts.topics import PLACEMENTS, WORKERS, Topic, reader_of
from shared.messaging import Limits, Received, Subscription
from shared.messaging.fuse import Blown
from shared.messaging.joint import Joint
from shared.messaging.pipeline import Pipeline
from shared.messaging.records import StoredRecord
from shared.storage import Tx
from tests.integration.messaging.messaging_stage import DEAD, NOON, QUICK, RETRY, Stage, own_record

SHARED = "notification.people"
SETTLED = "select consumer, next_offset from progress order by consumer"
COUNTED = "select party, outcome, sum(events)::int as events from flow where direction = 'heard' group by 1, 2 order by 1, 2"


@dataclass
class Told:
    """A route of several consumers: one row per event; fails for keys of which a test says so, as often as it says."""

    sets: list[list[str]] = field(default_factory=list)
    failures: dict[str, list[Exception]] = field(default_factory=dict)

    async def prepare(self, batch: Sequence[Received[Event]]) -> None:
        """Need nothing."""

    async def apply(self, tx: Tx, batch: Sequence[Received[Event]], _prepared: object) -> None:
        """Write rows in order, then fail where a failure is due: used up by a record that stands alone."""
        self.sets.append([type(received.event).__name__ for received in batch])
        for received in batch:
            note = type(received.event).__name__
            await tx.execute("insert into effects (event_id, key, note) values ($1, $2, $3)", received.id, received.key, note)
        for received in batch:
            due = self.failures.get(f"{type(received.event).__name__} {received.key}")
            if due:
                raise due.pop() if len(batch) == 1 else due[0]


@dataclass
class Desk:
    """Two consumers on a stage that share a route, as one process has them."""

    stage: Stage
    told: Told = field(default_factory=Told)
    limits: Limits = field(default_factory=lambda: Limits(retry=QUICK))

    def pipeline(self, topic: Topic, event: type[Event]) -> Pipeline:
        subject = topic.name.rsplit(".", 1)[-1]
        subscription = Subscription("notification", subject, topic, {event: self.told}, takes_runs=True)
        return Pipeline(subscription, self.stage.database, clock=Clock(), limits=self.limits, vault=None)

    async def joint(self) -> Joint:
        """Return a process' joint consumers at the positions that the database names."""
        joint = Joint([self.pipeline(WORKERS, WorkerRegistered), self.pipeline(PLACEMENTS, WorkerWaitlisted)])
        async with self.stage.database.transaction() as tx:
            joint.read_from(await joint.start(tx, {(WORKERS.name, 0): 0, (PLACEMENTS.name, 0): 0}))
        return joint

    async def effects(self) -> list[tuple[str, str]]:
        """Return what was done, by kind and key, in order."""
        return [(str(row["note"]), str(row["key"])) for row in await self.stage.rows("select note, key from effects order by n")]


@pytest.fixture
def desk(stage: Stage) -> Desk:
    """Two consumers."""
    return Desk(stage)


def placed(offset: int, key: UUID, sequence: int = 1) -> StoredRecord:
    """Return the news of a place in a queue as it lies on its topic."""
    event = WorkerWaitlisted(
        worker_id=key,
        facts_version=1,
        contact_version=1,
        province="32",
        contact="v1.bb",
        request_id=derive_id(key, "request", at=NOON),
        programme="wub",
        position=sequence,
    )
    envelope = Envelope(str(derive_id(key, "placed", sequence)), "/rintis/eligibility", WorkerWaitlisted.TYPE, NOON, sequence)
    value = event.model_dump_json().encode()
    return StoredRecord(PLACEMENTS.name, 0, offset, int(NOON.timestamp() * 1000), str(key).encode(), value, headers_of(envelope))


async def test_records_of_several_consumers_are_one_set_and_one_transaction_each_under_its_own_name(desk: Desk) -> None:
    one, two = uuid4(), uuid4()
    joint = await desk.joint()
    await joint.process([placed(0, one), own_record(0, one, 1), own_record(1, two, 1), placed(1, two), placed(2, one, 2)])
    assert desk.told.sets == [["WorkerRegistered"] * 2 + ["WorkerWaitlisted"] * 3]
    assert await desk.stage.rows(
        "select count(distinct xmin::text)::int as n from (select xmin from effects union all select xmin from progress)"
    ) == [{"n": 1}]
    assert [tuple(row.values()) for row in await desk.stage.rows(SETTLED)] == [
        ("notification.placements", 3),
        ("notification.workers", 2),
    ]
    assert [tuple(row.values()) for row in await desk.stage.rows(COUNTED)] == [
        ("notification.placements", "handled", 3),
        ("notification.workers", "handled", 2),
    ]
    assert joint.reading == {(WORKERS.name, 0): 2, (PLACEMENTS.name, 0): 3}


async def test_what_was_settled_together_changes_nothing_when_it_comes_again(desk: Desk) -> None:
    one = uuid4()
    records = [own_record(0, one, 1), placed(0, one)]
    for again in ([], [own_record(1, one, 1), placed(1, one)]):
        joint = await desk.joint()
        await joint.process([*records, *again])
    assert len(await desk.effects()) == 2
    assert ("notification.placements", "repeat", 1) in [tuple(row.values()) for row in await desk.stage.rows(COUNTED)]


async def test_another_process_may_read_the_same_consumers_one_by_one(desk: Desk) -> None:
    one, two = uuid4(), uuid4()
    joint, other = await desk.joint(), await desk.joint()
    await other.pipelines[1].process([placed(0, one)])
    await joint.process([own_record(0, one, 1), placed(0, one), placed(1, two)])
    await other.pipelines[0].process([own_record(0, one, 1)])
    assert sorted(await desk.effects()) == sorted(
        [("WorkerWaitlisted", str(one)), ("WorkerRegistered", str(one)), ("WorkerWaitlisted", str(two))]
    )


async def test_one_consumer_s_poison_costs_the_others_nothing(desk: Desk) -> None:
    one, two = uuid4(), uuid4()
    desk.told.failures = {f"WorkerWaitlisted {one}": [DEAD]}
    joint = await desk.joint()
    await joint.process([own_record(0, one, 1), placed(0, one), placed(1, two)])
    assert await desk.effects() == [("WorkerRegistered", str(one)), ("WorkerWaitlisted", str(two))]
    assert await desk.stage.rows("select consumer, reason, field from dead_letters") == [
        {"consumer": "notification.placements", "reason": "box_unreadable", "field": "facts"}
    ]


async def test_a_key_that_waits_is_waited_for_by_its_own_consumer_only(desk: Desk) -> None:
    one = uuid4()
    # Once as all of its consumer's batch, and once by itself.
    desk.told.failures = {f"WorkerWaitlisted {one}": [RETRY, RETRY]}
    joint = await desk.joint()
    await joint.process([own_record(0, one, 1), placed(0, one)])
    await joint.process([own_record(1, one, 2, "again"), placed(1, one, 2)])
    assert await desk.effects() == [("WorkerRegistered", str(one))] * 2
    assert await desk.stage.rows("select consumer, count(*)::int as n from parked group by 1") == [
        {"consumer": "notification.placements", "n": 2}
    ]
    await desk.stage.release_all(*joint.pipelines)
    assert await desk.effects() == [("WorkerRegistered", str(one))] * 2 + [("WorkerWaitlisted", str(one))] * 2


async def test_too_much_that_breaks_the_contract_stops_its_own_topic_and_writes_nothing(desk: Desk) -> None:
    desk.limits = Limits(retry=QUICK, set_aside_records=1)
    good, bad = uuid4(), [replace(placed(offset, uuid4()), headers=[]) for offset in range(3)]
    joint = await desk.joint()
    with pytest.raises(Blown, match=PLACEMENTS.name):
        await joint.process([own_record(0, good, 1), *bad])
    assert await desk.effects() == []
    assert set(joint.reading.values()) == {0}
    await joint.process([own_record(0, good, 1)])
    assert await desk.effects() == [("WorkerRegistered", str(good))]


def test_what_is_heard_from_outside_is_read_by_itself(stage: Stage) -> None:
    with pytest.raises(ValueError, match="take runs of our own topics"):
        Joint([stage.consumer(), stage.consumer(is_intake=False)])


def test_consumers_of_different_pace_are_not_read_together(desk: Desk) -> None:
    slow = desk.pipeline(PLACEMENTS, WorkerWaitlisted)
    slow.subscription = replace(slow.subscription, apart_seconds=1.0)
    with pytest.raises(ValueError, match="one pace"):
        Joint([desk.pipeline(WORKERS, WorkerRegistered), slow])


def test_people_s_topics_have_one_group_and_topics_of_one_reader_their_own() -> None:
    assert {reader_of("notification", topic) for topic in (WORKERS, PLACEMENTS)} == {SHARED}
    assert reader_of("eligibility", WORKERS) == "eligibility.workers"
