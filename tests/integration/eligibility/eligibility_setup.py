"""What the integration tests of eligibility share: use cases on a real database, a clock that is told, and workers to hear of."""

from __future__ import annotations

import itertools
import json
import shutil
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from services.eligibility.app import make_desk
from services.eligibility.consumers import subscriptions
from services.eligibility.handlers.desk import Desk
from services.eligibility.handlers.placing import Allocator
from services.eligibility.handlers.sharing import Share
from services.eligibility.repository.reference import save_reference
from services.eligibility.settings import Settings
from shared.clock import Clock
from shared.contracts.boxes import Facts
from shared.contracts.envelope import Envelope, Event, derive_id, headers_of
from shared.contracts.notification import TaskCompleted
from shared.contracts.registration import WorkerRegistered
from shared.messaging import Limits
from shared.messaging.pipeline import Pipeline
from shared.messaging.records import StoredRecord
from shared.security import Boxes, KeyStore, hash_access_code
from shared.storage import Database

POLICIES = Path(__file__).parents[3] / "policies"
MAY_20 = datetime(2020, 5, 20, 3, 0, tzinfo=UTC)
CODE = "ABCD2345"
NUMBERS = itertools.count(1)
SIX_SEATS: tuple[Mapping[str, Any], ...] = (
    {"code": "JABAR", "province": "32", "sectors": ["pangan", "sandang"], "seats": 3},
    {"code": "BANDUNG", "province": "32", "regency": "32.73", "sectors": ["pangan"], "seats": 2},
    {"code": "JATIM", "province": "35", "sectors": ["sandang"], "seats": 1},
)
"""Incubators of two provinces; who plans food in Bandung finds one at home and one of the province."""


def new_worker() -> UUID:
    """Return the id of a worker whom nobody has heard of."""
    return derive_id(f"worker {next(NUMBERS)}", "worker", at=MAY_20)


def ticket_of(worker_id: UUID) -> str:
    """Return the ticket of a worker."""
    return f"RNT-{worker_id.hex[-8:]}".upper()


def some_facts(worker_id: UUID, **changes: Any) -> Facts:
    """Return facts of a laid-off textile worker of Bandung with a plan for a food business: clearly eligible."""
    values: dict[str, Any] = {
        "ticket": ticket_of(worker_id),
        "access_code_hash": hash_access_code(CODE, worker_id),
        "birth_date": date(1990, 1, 1),
        "citizenship": "WNI",
        "regency": "32.73",
        "employment_status": "phk",
        "layoff_on": date(2020, 4, 1),
        "employer_kbli": "14111",
        "has_layoff_letter": True,
        "layoff_lists": [],
        "in_formal_education": False,
        "profession": "",
        "other_aid": [],
        "dependants": 2,
        "skills": ["menjahit"],
        "plan_kbli": "10710",
        "has_plan": True,
    }
    return Facts(**{**values, **changes})


def registered(worker_id: UUID, facts: Facts, sealed: str, version: int = 1) -> WorkerRegistered:
    """Return the news that a worker was registered."""
    return WorkerRegistered(
        worker_id=worker_id,
        ticket=facts.ticket,
        province=facts.regency[:2],
        facts_version=version,
        contact_version=1,
        facts=sealed,
        contact="v1.contact",
    )


def with_incubators(folder: Path, incubators: Sequence[Mapping[str, Any]]) -> Path:
    """Return a copy of the policies in which these are the incubators."""
    target = folder / "policies"
    shutil.copytree(POLICIES, target)
    rows = [{"name": i["code"], "regency": None, "intake": "rolling", "is_assumption": True, **i} for i in incubators]
    (target / "eligibility" / "incubators.json").write_text(json.dumps({"incubators": rows}))
    return target


@dataclass
class Office:
    """The service without Kafka: records go through the consumers' own pipelines, time is told."""

    desk: Desk
    keys: KeyStore
    pipelines: Mapping[str, Pipeline]
    offsets: Counter[str] = field(default_factory=Counter)
    sequences: Counter[tuple[str, str]] = field(default_factory=Counter)

    @property
    def database(self) -> Database:
        """Return the service's database."""
        return self.desk.database

    async def seal(self, people: Sequence[Facts], workers: Sequence[UUID]) -> list[str]:
        """Seal facts as registration does."""
        await self.keys.create(workers, ["facts"])
        sealed = await Boxes(self.keys).seal(list(zip(workers, people, strict=True)), "facts")
        return [box for box in sealed if box is not None]

    async def register(self, *, at: datetime = MAY_20, **changes: Any) -> UUID:
        """Hear of one new worker and return the id."""
        return (await self.register_all([changes], at=at))[0]

    async def register_all(self, people: Sequence[Mapping[str, Any]], *, at: datetime = MAY_20) -> list[UUID]:
        """Hear of new workers in one batch."""
        workers = [new_worker() for _ in people]
        facts = [some_facts(worker, **changes) for worker, changes in zip(workers, people, strict=True)]
        sealed = await self.seal(facts, workers)
        await self.hear([registered(*row) for row in zip(workers, facts, sealed, strict=True)], at=at)
        return workers

    async def hear(self, events: Sequence[Event], *, at: datetime = MAY_20, ids: Sequence[UUID] = ()) -> list[UUID]:
        """Settle one batch of records of one topic; return their ids."""
        given = list(ids) or [derive_id(f"event {next(NUMBERS)}", "test", at=at) for _ in events]
        records = [self._record(event, id_, at) for event, id_ in zip(events, given, strict=True)]
        await self.pipelines[events[0].TOPIC].process(records)
        return given

    async def complete(self, review_id: UUID, worker_id: UUID, outcome: str, *, kind: str = "eligibility_review") -> None:
        """Hear that staff completed the task of a review."""
        values: dict[str, Any] = {"kind": kind, "outcome": outcome, "reason": "surat_asli_dilihat", "person": "petugas"}
        task_id = derive_id(review_id, "task", next(NUMBERS))
        await self.hear([TaskCompleted(task_id=task_id, about=worker_id, case_id=review_id, dinas="32.73", **values)])

    def serve(self, *provinces: str) -> None:
        """Let the consumers place people of these provinces at once, as a process does whose share they are."""
        self.desk.share.provinces = frozenset(provinces)

    def colleague(self, name: str) -> Desk:
        """Return the desk of another process on the same database."""
        return replace(self.desk, instance=name, share=Share())

    async def allocate(self) -> int:
        """Run the allocator until nobody waits to be placed; return how many batches it took."""
        allocator, batches = Allocator(self.desk), 0
        while await allocator.run():
            batches += 1
        return batches

    def at(self, now: datetime) -> None:
        """Tell the time, to the consumers too."""
        self.desk = replace(self.desk, clock=standing(now))
        for subscription in subscriptions(self.desk):
            self.pipelines[subscription.topic.name].subscription = subscription

    def _record(self, event: Event, id_: UUID, at: datetime) -> StoredRecord:
        lane = (event.TOPIC, event.key())
        self.sequences[lane] += 1
        self.offsets[event.TOPIC] += 1
        headers = headers_of(Envelope(str(id_), "/test", event.TYPE, at, self.sequences[lane]))
        body = event.model_dump_json().encode()
        offset = self.offsets[event.TOPIC] - 1
        return StoredRecord(event.TOPIC, 0, offset, int(at.timestamp() * 1000), event.key().encode(), body, headers)

    async def rows(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """Return what the database holds."""
        async with self.database.connection() as connection:
            return [tuple(row) for row in await connection.fetch(statement, *values)]

    async def value(self, statement: str, *values: Any) -> Any:
        """Return one value that the database holds."""
        return (await self.rows(statement, *values))[0][0]

    async def said(self, kind: str = "") -> list[dict[str, Any]]:
        """Return the data of every event in the outbox whose type contains a word, in order."""
        rows = await self.rows("select type, payload from outbox where type like $1 order by id", f"%{kind}%")
        return [{"type": type_.split(".")[-2], **json.loads(payload)} for type_, payload in rows]

    async def outcomes(self) -> dict[str, int]:
        """Return what became of the records heard."""
        return dict(await self.rows("select outcome, sum(events)::int from flow where direction = 'heard' group by outcome"))


def standing(at: datetime) -> Clock:
    """Return a clock that stands still."""
    return Clock(at, datetime(2000, 1, 1, tzinfo=UTC), 0.0)


@asynccontextmanager
async def open_office(variables: Mapping[str, str], **changes: Any) -> AsyncIterator[Office]:
    """Lend the service's use cases and consumers on fresh databases, on 20 May 2020."""
    settings = Settings.model_validate({**variables, **changes})
    database = Database(settings.database_url, name="eligibility test")
    keys = KeyStore(Database(settings.keys_database_url, name="keys test"), settings.masters("facts"))
    await database.open()
    await keys.database.open()
    try:
        desk = replace(make_desk(settings, database, keys), clock=standing(MAY_20))
        async with database.transaction() as tx:
            await save_reference(tx, desk.reference)
        yield Office(desk, keys, await _pipelines(desk))
    finally:
        await database.close()
        await keys.database.close()


async def _pipelines(desk: Desk) -> dict[str, Pipeline]:
    made: dict[str, Pipeline] = {}
    for subscription in subscriptions(desk):
        pipeline = Pipeline(subscription, desk.database, clock=Clock(), limits=Limits(), vault=None)
        async with desk.database.transaction() as tx:
            await pipeline.positions.start(tx, {(subscription.topic.name, 0): 0})
        made[subscription.topic.name] = pipeline
    return made
