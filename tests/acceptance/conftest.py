"""The whole system for one test."""

import pytest

from rintis.testing.environment import ServiceStarter
from tests.acceptance.acceptance_stage import System


@pytest.fixture
def system(environment: dict[str, str], start_service: ServiceStarter) -> System:
    """Servers that are up, services that the test starts."""
    return System(start_service, environment)
