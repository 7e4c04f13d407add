"""One database for the whole matrix: consumers do not meet in it."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from rintis.runtime.apart import run_apart
from rintis.runtime.secrets import Secrets
from rintis.testing.environment import settings_of_all
from rintis.testing.postgres import DatabasePool
from tests.integration.messaging.messaging_stage import Stage, a_stage


@pytest.fixture(scope="module")
def module_databases(database_pool: DatabasePool, secrets: Secrets) -> dict[str, str]:
    """Databases that every test of a module shares."""
    return settings_of_all(run_apart(database_pool.take()), secrets, "127.0.0.1:1")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def shared_stage(module_databases: dict[str, str]) -> AsyncIterator[Stage]:
    """A stage that every test of a module shares."""
    async with a_stage(module_databases) as stage:
        yield stage
