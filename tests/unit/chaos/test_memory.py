from __future__ import annotations

from typing import Any, cast

from rintis.chaos.judgement import Judgement
from rintis.chaos.memory import BOUND_MEGABYTES, MEGABYTE, Memory
from rintis.chaos.run import Options, Run


def test_a_process_that_held_more_than_its_bound_spoils_a_run_that_lost_nothing() -> None:
    memory = Memory(cast("Any", None))
    run = Run(Options(1, 1, 1.0), 0.0, memory=memory, judgement=Judgement(accepted=1))
    memory.lines = {"eligibility-1": [(0.0, 100.0 * MEGABYTE), (1.0, float(BOUND_MEGABYTES * MEGABYTE))]}
    assert run.is_good

    memory.lines["registration-1"] = [(0.0, 100.0 * MEGABYTE), (1.0, float((BOUND_MEGABYTES + 1) * MEGABYTE))]

    assert not run.is_good
    assert run.as_dict()["above_memory_bound"] == ["registration-1"]
