import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from rintis.bench.rintis_system import RintisSystem
from rintis.bench.run import Bench, Options
from rintis.runtime.progress import Steps
from rintis.runtime.state import ROOT, State

pytestmark = [pytest.mark.slow, pytest.mark.servers, pytest.mark.timeout(300)]

COUNT = 2_000
"""Enough for each process of the floor to be seen at work: the kernel counts hundredths of a second, and 300 took one of them less."""
LOSE_ONE = "delete from submissions where submission_id = (select min(submission_id::text)::uuid from submissions where verdict = 'refused')"
KEYS = {
    *("registrations", "per_s", "per_s_range", "floor_per_s", "floor_per_s_range", "ratio"),
    *("lost", "doubled", "stuck", "dead", "is_good"),
    *(
        "latency_ms",
        "floor_latency_ms",
        "lone_ms",
        "floor_lone_ms",
        "idle_cores",
        "sending",
        "rintis",
        "floor",
        "growth",
        "reconciled",
    ),
}
COSTS = {
    *("rounds_per_s", "cpu_s_per_1000", "cpu_s_per_1000_total", "peak_memory_mb"),
    *("commits_per_registration", "journal_bytes_per_registration", "kafka_bytes_per_registration"),
}


def test_a_small_run_measures_both_and_accounts_for_everything(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    command = [sys.executable, "-m", "rintis", "bench", "--n", str(COUNT), "--rounds", "1", "--loads", "none", "--json"]
    ended = subprocess.run(  # noqa: S603 - our own command line
        [*command, "--output", str(page), "--folder", str(tmp_path / "state")],
        cwd=ROOT,
        env={**os.environ, "RINTIS_STATE": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert ended.returncode == 0, ended.stderr[-3000:]
    figures = json.loads(ended.stdout)
    assert figures.keys() >= KEYS
    assert figures["registrations"] == COUNT
    assert {figures[kind] for kind in ("lost", "doubled", "stuck", "dead")} == {0}
    assert figures["ratio"] == pytest.approx(figures["per_s"] / figures["floor_per_s"], abs=0.002)
    for name, processes in (("rintis", {"registration", "eligibility", "notification"}), ("floor", {"register", "notify"})):
        assert figures[name].keys() >= COSTS
        assert figures[name]["cpu_s_per_1000"].keys() >= processes | {"kafka"}
        assert figures[name]["journal_bytes_per_registration"] > 1_000
        assert figures[name]["kafka_bytes_per_registration"] > 500
    assert figures["sending"]["messages"] > COUNT
    assert figures["reconciled"][0] | {"audit_seconds": 0} == {
        "differences": {},
        "audit_seconds": 0,
        "findings": [],
        "error": None,
    }
    assert "of the floor" in page.read_text()
    assert len((tmp_path / "bench-history.jsonl").read_text().splitlines()) == 1


async def test_a_registration_that_is_lost_on_the_way_takes_the_rate_away(tmp_path: Path) -> None:
    async def lose_one(system: RintisSystem) -> None:
        assert await system.connection("rintis_registration").execute(LOSE_ONE) == "DELETE 1"

    options = Options(COUNT, systems=("rintis",), is_sending=False, warm_up=100, after_rest=lose_one)
    state = State(tmp_path / "state")
    with state.hold():
        outcome = await Bench(state, options, Steps()).run()

    figures = outcome.as_dict()
    assert figures["lost"] == 1
    assert figures["per_s"] is None
    assert not outcome.is_good
