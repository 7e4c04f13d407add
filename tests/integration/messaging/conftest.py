"""The stage of the messaging tests."""

from collections.abc import AsyncIterator

import pytest

from tests.integration.messaging.messaging_stage import Stage, a_stage


@pytest.fixture
async def stage(databases: dict[str, str]) -> AsyncIterator[Stage]:
    """A consumer's surroundings on a fresh database."""
    async with a_stage(databases) as stage:
        yield stage
