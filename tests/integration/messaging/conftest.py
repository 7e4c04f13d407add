"""The stages of the messaging tests."""

from collections.abc import AsyncIterator

import pytest

from tests.integration.messaging.messaging_stage import Stage, a_stage
from tests.integration.messaging.service_stage import Pair


@pytest.fixture
async def stage(databases: dict[str, str]) -> AsyncIterator[Stage]:
    """A consumer's surroundings on a fresh database."""
    async with a_stage(databases) as stage:
        yield stage


@pytest.fixture
async def pair(environment: dict[str, str]) -> AsyncIterator[Pair]:
    """A service with real servers."""
    async with a_stage(environment) as stage:
        pair = Pair(environment, stage)
        yield pair
        await pair.stop()
