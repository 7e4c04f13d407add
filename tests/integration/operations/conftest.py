"""Servers and empty databases for one test of what operators look at."""

import pytest

from tests.integration.operations.operations_stage import Stage


@pytest.fixture
def stage(environment: dict[str, str]) -> Stage:
    """Fresh databases and topics."""
    return Stage(environment)
