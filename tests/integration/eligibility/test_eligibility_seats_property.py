"""Any course of requests, answers and deadlines on a real database: seats are never given twice and none gets lost."""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
from collections import Counter
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar, TypeVar
from uuid import UUID

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from hypothesis.stateful import run_state_machine_as_test as verify_every_course

from services.eligibility.handlers.answering import Expiry, answer_offer
from services.eligibility.handlers.placing import Allocator
from shared.service import Problem
from tests.integration.eligibility.eligibility_setup import CODE, MAY_20, Office, open_office, ticket_of, with_incubators

T = TypeVar("T")
INCUBATORS: list[dict[str, Any]] = [
    {"code": "A", "province": "32", "sectors": ["pangan"], "seats": 2},
    {"code": "B", "province": "32", "regency": "32.73", "sectors": ["pangan", "sandang"], "seats": 2},
    {"code": "C", "province": "35", "sectors": ["sandang"], "seats": 1},
]
PLANS = st.sampled_from(["10710", "14111", "17011"])
REGENCIES = st.sampled_from(["32.73", "32.04", "35.78"])
ACTIVE = ("requested", "offered", "accepted", "waitlisted")
CLEAR = "truncate workers, decisions, reviews, seat_requests, offers, waitlists, outbox, sequences, heard, flow cascade"


class Seats(RuleBasedStateMachine):
    """People ask, are placed at once or by two allocators, answer or do not, and are erased; time goes on."""

    runner: ClassVar[asyncio.Runner]
    office: ClassVar[Office]

    def __init__(self) -> None:
        super().__init__()
        self.now = MAY_20
        self.workers: list[UUID] = []

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        """Run something to its end."""
        return self.runner.run(work)

    @initialize()
    def start_empty(self) -> None:
        self.office.at(self.now)
        self.office.sequences.clear()
        self.office.serve()
        self.do(self._clear())

    @rule(plans=st.lists(st.tuples(PLANS, REGENCIES), min_size=1, max_size=6))
    def people_ask(self, plans: list[tuple[str, str]]) -> None:
        people = [{"plan_kbli": plan, "regency": regency} for plan, regency in plans]
        self.workers += self.do(self.office.register_all(people))

    @rule(provinces=st.sets(st.sampled_from(["32", "35"])))
    def shares_change(self, provinces: set[str]) -> None:
        self.office.serve(*provinces)

    @rule(turns=st.lists(st.sampled_from(["one", "two"]), min_size=1, max_size=6))
    def allocators_work(self, turns: list[str]) -> None:
        allocators = {name: Allocator(self.office.colleague(name)) for name in ("one", "two")}

        async def work() -> None:
            await asyncio.gather(*(allocators[name].run() for name in turns))

        self.do(work())

    @rule(data=st.data(), answer=st.sampled_from(["accepted", "declined"]))
    def somebody_answers(self, data: st.DataObject, answer: Any) -> None:
        if self.workers:
            worker = data.draw(st.sampled_from(self.workers))
            with contextlib.suppress(Problem):
                self.do(answer_offer(self.office.desk, ticket_of(worker), CODE, answer))

    @rule(hours=st.integers(1, 60))
    def time_goes_on(self, hours: int) -> None:
        self.now += timedelta(hours=hours)
        self.office.at(self.now)
        while self.do(Expiry(self.office.desk).run()):
            pass

    @rule(data=st.data())
    def somebody_is_erased(self, data: st.DataObject) -> None:
        if self.workers:
            self.do(self.office.keys.erase([data.draw(st.sampled_from(self.workers))]))

    @invariant()
    def seats_are_conserved(self) -> None:
        offers = self.do(self.office.rows("select worker_id, incubator, state, expires_at from offers"))
        held = Counter(row[1] for row in offers if row[2] in ("offered", "accepted"))
        for code, seats, taken in self.do(self.office.rows("select code, seats, taken from incubators")):
            assert held[code] == taken <= seats
        holders = Counter(row[0] for row in offers if row[2] in ("offered", "accepted"))
        assert max(holders.values(), default=0) <= 1
        assert not [row for row in offers if row[2] == "offered" and row[3] <= self.now]

    @invariant()
    def everybody_is_somewhere_once(self) -> None:
        states = self.do(self.office.rows("select worker_id, state from seat_requests"))
        assert Counter(row[0] for row in states) == Counter(self.workers)
        queue = self.do(self.office.rows("select province, sector, position from seat_requests where position is not null"))
        assert len(queue) == len(set(queue))

    @invariant()
    def what_was_said_is_what_is(self) -> None:
        said = Counter(one["type"] for one in self.do(self.office.said("placement")))
        states = Counter(row[0] for row in self.do(self.office.rows("select state from seat_requests")))
        assert said["offered"] == sum(states[state] for state in ("offered", "accepted", "declined", "expired"))
        for state in ("accepted", "declined", "expired", "waitlisted"):
            assert said[state] == states[state]

    async def _clear(self) -> None:
        async with self.office.database.connection() as connection:
            await connection.execute(CLEAR)
            await connection.execute("update incubators set taken = 0")
            await connection.execute("update provinces set last_number = 0")


def test_seats_are_never_above_capacity_never_double_and_never_lost(databases: dict[str, str]) -> None:
    with tempfile.TemporaryDirectory() as folder, asyncio.Runner() as runner:
        stack = AsyncExitStack()
        policies = with_incubators(Path(folder), INCUBATORS)
        changes = {"RINTIS_POLICIES": policies, "RINTIS_ELIGIBILITY_ALLOCATE_BATCH": 3}
        Seats.runner = runner
        Seats.office = runner.run(stack.enter_async_context(open_office(databases, **changes)))
        try:
            verify_every_course(
                Seats,
                settings=settings(
                    max_examples=25,
                    stateful_step_count=25,
                    deadline=None,
                    suppress_health_check=list(HealthCheck),
                ),
            )
        finally:
            runner.run(stack.aclose())
