from __future__ import annotations

from datetime import timedelta

import pytest

from shared.clock import Clock
from shared.contracts.intake import PermitChanged
from shared.messaging import Limits
from shared.messaging.actions import Actions, Filter, Request
from shared.messaging.records import Reader
from shared.messaging.redrive import Redrive
from tests.integration.reporting.reporting_setup import MONDAY, NUMBER, Office, issued

pytestmark = pytest.mark.servers

PERMITS = "intake.permits"


async def redrive_all(office: Office) -> dict[str, int]:
    """Redrive every dead letter about permits; return what became of them."""
    pipeline, database = office.pipelines[PERMITS], office.desk.database
    actions = Actions(database, Limits())
    action = await actions.ask(Request("redrive", Filter(), "upgraded", "ana", 50))
    redrive = Redrive(database, {pipeline.subscription.group: pipeline}, Limits())
    await redrive.step()
    while await pipeline.release():
        pass
    outcomes: dict[str, int] = (await actions.find_actions(action))[0]["outcomes"]
    return outcomes


async def change_that_nobody_could_read(office: Office, workers: int) -> None:
    """Hear of a change before the upgrade that knows of changes."""
    pipeline = office.pipelines[PERMITS]
    upgraded, pipeline._reader = pipeline._reader, Reader({}, is_intake=True, clock=Clock())
    await office.hear(PermitChanged(permit_number=NUMBER, workers=workers), at=MONDAY + timedelta(minutes=1))
    pipeline._reader = upgraded


async def test_a_change_that_was_put_back_is_applied_where_nothing_newer_is_known(office: Office) -> None:
    await office.hear(issued(workers=100))
    await change_that_nobody_could_read(office, 50)

    assert await redrive_all(office) == {"fixed": 1}
    assert await office.rows("select workers from permits") == [(50,)]


async def test_a_change_that_was_put_back_does_not_undo_a_newer_one(office: Office) -> None:
    await office.hear(issued(workers=100))
    await change_that_nobody_could_read(office, 50)
    await office.hear(PermitChanged(permit_number=NUMBER, workers=70), at=MONDAY + timedelta(minutes=2))

    assert await redrive_all(office) == {"superseded": 1}
    assert await office.rows("select workers from permits") == [(70,)]
