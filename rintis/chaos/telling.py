"""From a run to its story in the report."""

from __future__ import annotations

from pathlib import Path

from rintis.chaos.happened import recoveries_of
from rintis.chaos.report import Story
from rintis.chaos.run import Run
from rintis.chaos.sent import read_acknowledged


def tell(run: Run, folder: Path) -> Story:
    """Return what the report says of a run; `folder` holds the load's files."""
    return Story(
        title=f"Seed {run.options.seed}",
        figures=run.as_dict(),
        faults=[one.as_dict() for one in run.happened],
        recoveries=recoveries_of(run.happened),
        taken_at=[answer.at for answer in read_acknowledged(folder)],
        decided_at=run.judgement.decided_at if run.judgement else (),
        at=run.began,
    )
