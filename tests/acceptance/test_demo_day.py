"""The day in small: everything is as foreseen, and a service that loses effects is found out."""

import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from rintis.demo.clocked import ClockedStack, Plan
from rintis.demo.play import play_day
from rintis.demo.report import summarise
from rintis.demo.table import find_imbalances
from rintis.runtime.processes import Process
from rintis.runtime.progress import Steps
from rintis.runtime.state import State

pytestmark = [pytest.mark.servers, pytest.mark.slow, pytest.mark.timeout(900)]

MUTATION = "tests.acceptance.mutations.progress_without_effects"


class MutatedStack(ClockedStack):
    """Eligibility passes records by without their effects."""

    def _service(self, name: str, slot: str, port: int) -> Process:
        process = super()._service(name, slot, port)
        if name == "eligibility":
            variables = {**process.program.environment, "MUTATED_SERVICE": "services.eligibility"}
            process.program = replace(process.program, module=MUTATION, environment=variables)
        return process


@pytest.fixture
def own_state(monkeypatch: pytest.MonkeyPatch) -> Iterator[State]:
    """A state folder of this test alone: the demo starts servers of its own."""
    for name in ("KAFKA_BOOTSTRAP_SERVERS", "RINTIS_CLOCK"):
        monkeypatch.delenv(name, raising=False)
    # PostgreSQL may run under another user, who has to pass through; pytest's own folders are closed to others.
    state = State(Path(tempfile.mkdtemp(prefix="rintis-demo-")))
    with state.hold():
        yield state
        state.end_leftovers()
    shutil.rmtree(state.folder, ignore_errors=True)


def test_a_small_day_ends_as_was_foreseen_before_anything_was_sent(own_state: State) -> None:
    steps = Steps(quiet=True)
    report = play_day(own_state, ClockedStack(own_state, Plan(registrations=300, permits=60, seed=3), steps), steps)
    numbers = summarise(report)
    assert report.unfinished == []
    assert report.differences == []
    assert find_imbalances(numbers) == []
    assert report.is_audit_clean, report.audit
    assert numbers["received"] == 300
    assert all(numbers[name] for name in ("accepted", "refused", "duplicate", "decisions", "warnings", "seats_held"))
    assert (own_state.folder / "demo" / "manifest.json").exists()


def test_progress_without_effects_is_found_by_the_comparison(own_state: State) -> None:
    steps = Steps(quiet=True)
    plan = Plan(registrations=100, permits=5, seed=3, patience_seconds=20.0)
    report = play_day(own_state, MutatedStack(own_state, plan, steps), steps)
    assert any(line.startswith("eligibility DEMO-") and "0 decisions instead of one" in line for line in report.differences)
    assert not report.is_good
