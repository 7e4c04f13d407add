import asyncio
from pathlib import Path

import pytest

from rintis.chaos.load import Load
from rintis.chaos.oracle import judge, settled
from shared.testing import eventually
from tests.chaos.chaos_site import Site

pytestmark = pytest.mark.slow

EVENTS = 800
"""Enough for every kind of case to come."""


async def test_a_run_without_faults_is_accounted_for_to_the_last_message(site: Site, tmp_path: Path) -> None:
    site.system.up()
    load, stop = Load(site, seed=1, per_second=60, folder=tmp_path), asyncio.Event()
    running = asyncio.create_task(load.run(stop))
    await eventually(lambda: load.acknowledged > EVENTS, within=120, what="the load being taken")
    stop.set()
    await running

    is_settled = await settled(site, 120)
    judgement = await judge(site, tmp_path)

    assert is_settled
    assert judgement.is_clean, judgement.as_dict()
    assert judgement.count("unknown_messages") == judgement.count("unexpected_dead_letters") == 0
    # Copies that are sent on purpose are acknowledged each and accepted once.
    assert judgement.accepted == judgement.measured["sent"] > EVENTS // 2
    assert min(judgement.measured.values()) > 0, judgement.measured
