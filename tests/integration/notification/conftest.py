"""The stage of notification's tests."""

from collections.abc import AsyncIterator

import pytest

from rintis.testing.environment import ServiceStarter
from tests.integration.notification.notification_office import Office, an_office
from tests.integration.notification.notification_stage import Stage, a_stage


@pytest.fixture
async def stage(environment: dict[str, str], start_service: ServiceStarter) -> AsyncIterator[Stage]:
    """Notification's surroundings; the service itself is started by the test."""
    async with a_stage(environment, start_service) as stage:
        yield stage


@pytest.fixture
async def office(databases: dict[str, str]) -> AsyncIterator[Office]:
    """Notification's senders without the service around them."""
    async with an_office(databases) as office:
        yield office
