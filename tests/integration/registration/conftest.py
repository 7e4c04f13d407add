from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio

from tests.integration.registration.registration_setup import Office, open_office


@pytest_asyncio.fixture
async def office(databases: dict[str, str]) -> AsyncIterator[Office]:
    """Use cases and consumers without Kafka."""
    async with open_office(databases) as opened:
        yield opened
