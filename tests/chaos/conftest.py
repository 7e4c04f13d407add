"""The whole system for one test, as a place for a load and an oracle."""

import pytest

from rintis.testing.environment import ServiceStarter
from tests.acceptance.acceptance_stage import System
from tests.chaos.chaos_site import Site


@pytest.fixture
def site(environment: dict[str, str], start_service: ServiceStarter) -> Site:
    """Servers that are up, services that the test starts."""
    return Site(System(start_service, environment))
