import json
import os
from collections.abc import Mapping
from io import StringIO
from pathlib import Path

import pytest
import typer
from rich.console import Console

from rintis.bench.figures import Outcome
from rintis.bench.generator import read
from rintis.bench.history import recall, remember
from rintis.bench.loads import Load, OfFloor, OfRintis
from rintis.bench.measuring import Measure
from rintis.bench.page import render
from rintis.bench.people import People
from rintis.bench.reconciling import Reconciled
from rintis.bench.run import Bench
from rintis.bench.sampling import Sampler
from rintis.bench.table import show
from rintis.commands import bench
from rintis.runtime.errors import CannotStart


def a_measure(seconds: float, cpu: Mapping[str, float] | None = None, *, is_settled: bool = True) -> Measure:
    return Measure(
        1000, 100.0, 100.0 + seconds, is_settled, cpu or {"registration": 2.0}, {"registration": 100 << 20}, 500, 10, 20
    )


def an_outcome(*reconciled: Reconciled) -> Outcome:
    ours, floor = [a_measure(seconds) for seconds in (4.0, 1.0, 2.0)], [a_measure(1.0)]
    return Outcome(1000, 1, ours, floor, list(reconciled or [Reconciled()]))


def test_the_rate_is_the_median_of_the_rounds_and_the_ratio_is_to_the_floors() -> None:
    figures = an_outcome().as_dict()
    assert (figures["per_s"], figures["per_s_range"], figures["ratio"]) == (500.0, [250.0, 1000.0], 0.5)
    assert figures["rintis"]["cpu_s_per_1000"] == {"registration": 2.0}
    assert figures["rintis"]["peak_memory_mb"] == {"registration": 100}


@pytest.mark.parametrize("reconciled", [Reconciled(lost=1), Reconciled(doubled=1), Reconciled(stuck=1), Reconciled(dead=1)])
def test_a_run_that_lost_or_doubled_anything_has_no_rate(reconciled: Reconciled) -> None:
    outcome = an_outcome(Reconciled(), reconciled)
    assert not outcome.is_good
    assert outcome.as_dict()["per_s"] is None
    assert outcome.as_dict()["ratio"] is None
    assert "No rate" in render(outcome.as_dict(), [])


def test_a_run_that_did_not_come_to_its_end_has_no_rate() -> None:
    outcome = an_outcome()
    outcome.ours.append(a_measure(1.0, is_settled=False))
    assert outcome.as_dict()["per_s"] is None


@pytest.mark.parametrize(("reconciled", "code"), [(Reconciled(), 0), (Reconciled(lost=1), 1)])
def test_the_exit_status_says_whether_everything_is_there(
    reconciled: Reconciled, code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def run(_: Bench) -> Outcome:
        return an_outcome(reconciled)

    monkeypatch.setattr(Bench, "run", run)
    monkeypatch.setattr(bench, "_prepare_process", lambda: None)
    with pytest.raises(typer.Exit) as ended:
        bench.command(folder=tmp_path / "state", output=tmp_path / "page.html", n=1000, loads="none")
    assert ended.value.exit_code == code
    assert (tmp_path / "page.html").exists()


def test_a_history_grows_by_one_line_a_run_and_the_page_draws_it(tmp_path: Path) -> None:
    figures = an_outcome().as_dict()
    assert len(remember(tmp_path / "history.jsonl", figures)) == 1
    history = remember(tmp_path / "history.jsonl", figures)
    assert history == recall(tmp_path / "history.jsonl")
    assert [run["ratio"] for run in history] == [0.5, 0.5]
    page = render(figures, history)
    assert "500 registrations/s, 0.50 of the floor" in page
    assert page.count("<polyline") == 1


def test_the_table_says_rate_ratio_and_what_is_lost() -> None:
    figures = an_outcome().as_dict() | {"latency_ms": {"10": {"p50": 20.0}}, "lone_ms": {"p50": 9.0}}
    console = Console(file=StringIO(), width=120)
    show(console, figures)
    assert isinstance(console.file, StringIO)
    said = console.file.getvalue()
    assert "Ratio to the floor: 0.50" in said
    assert "lost 0" in said


def test_a_load_is_read_as_it_was_written(tmp_path: Path) -> None:
    for form in (OfRintis(), OfFloor()):
        load = Load(tmp_path / "load.tsv").write(form, People(1).take(300))
        with load.path.open("rb") as file:
            records = list(read(file))
        assert (load.count, len(records), len(set(load.ids))) == (300, 300, 300)
        assert [json.loads(record.value)["reference"] for record in records] == [
            item.data["reference"] for item in People(1).take(300)
        ]
        items = list(People(1).take(200))
        assert load.outcomes(200) == (sum(item.is_bad for item in items), sum(item.is_repeat for item in items))


def test_cpu_time_is_counted_between_two_moments_and_kept_when_a_process_ends() -> None:
    sampler = Sampler({"me": os.getpid()})
    sampler.look()
    sum(number * number for number in range(2_000_000))
    sampler.look()
    first, last = sampler.samples
    assert sampler.used(first.at, last.at)["me"] > 0
    assert sampler.used(first.at, first.at)["me"] == 0
    assert sampler.peaks()["me"] > 1 << 20


@pytest.mark.parametrize("text", ["", "fast", "0", "10,200"])
def test_loads_are_per_cents(text: str) -> None:
    with pytest.raises(CannotStart):
        bench.read_loads(text)
    assert bench.read_loads("10, 80") == (10, 80)
    assert bench.read_loads("none") == ()
