from pathlib import Path

import pytest

from rintis.chaos.report import Story, write_report
from rintis.chaos.run import Options, play
from rintis.chaos.telling import tell
from rintis.runtime.progress import Steps
from rintis.runtime.state import State

pytestmark = [pytest.mark.slow, pytest.mark.servers, pytest.mark.timeout(300)]

SECONDS = 60.0
"""In which faults begin; starting, coming to rest and counting take as long again."""
FAULTS = 8
RATE = 30
SEED = 11
QUICK = {
    # A message whose sender was killed is looked after once its lease is over: two minutes at a real provider's pace.
    "RINTIS_NOTIFICATION_PROVIDER_SECONDS": "2",
    "RINTIS_NOTIFICATION_LEASE_SECONDS": "20",
}
MUST_BE_NONE = ("lost", "doubled", "out_of_order", "overbooked", "stuck")


async def test_a_short_run_of_faults_loses_doubles_and_reorders_nothing(tmp_path: Path) -> None:
    state = State(tmp_path / "state")
    with state.hold():
        run = await play(state, Options(FAULTS, SEED, RATE, SECONDS, partitions=4, settings=QUICK), Steps())

    counts = run.as_dict()
    assert {name: counts[name] for name in MUST_BE_NONE} == dict.fromkeys(MUST_BE_NONE, 0), counts["found"]
    assert run.is_good
    assert run.is_settled
    assert counts["seed"] == SEED
    assert counts["accepted"] > RATE
    assert counts["measured"]["decisions"] > 0
    assert 1 <= counts["faults"] <= FAULTS
    assert sum(kind["count"] for kind in counts["kinds"].values()) == counts["faults"]
    assert [ended for ended in counts["ended_by_themselves"] if "lost" in ended["reason"] or "restored" in ended["reason"]] == []
    assert state.running() == []
    page = write_and_read(tmp_path, tell(run, state.folder / "load"))
    assert "Everything that is promised held." in page
    assert all(kind in page for kind in counts["kinds"])


def write_and_read(folder: Path, story: Story) -> str:
    write_report(folder / "chaos-report.html", [story])
    return (folder / "chaos-report.html").read_text("utf-8")
