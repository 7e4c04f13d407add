"""A process that carries out redrives and releases gates until it is killed: `python -m` with the stage's addresses in its environment."""

import asyncio
import os

from rintis.testing.environment import inherited
from shared.security import KeyStore
from shared.storage import Database
from tests.integration.messaging.messaging_stage import Stage
from tests.integration.messaging.redrive_stage import Desk, a_desk

IDLE_SECONDS = 0.02
"""Pause when nothing is due, as a service's job has."""


async def main() -> None:
    database = Database(os.environ["DATABASE_URL_REGISTRATION"], name="redrive")
    keys = KeyStore(Database(os.environ["DATABASE_URL_KEYS"], name="redrive-keys"), {"record": bytes(32)})
    await database.open()
    await keys.database.open()
    desk = await a_desk(Stage(database, keys), is_intake=False)
    await asyncio.gather(repeat_steps(desk), repeat_releases(desk))


async def repeat_steps(desk: Desk) -> None:
    while True:
        if not await desk.redrive.step():
            await asyncio.sleep(IDLE_SECONDS)


async def repeat_releases(desk: Desk) -> None:
    while True:
        if not await desk.consumer.release():
            await asyncio.sleep(IDLE_SECONDS)


def variables(environment: dict[str, str]) -> dict[str, str]:
    """Return what the process needs of a test's environment."""
    return inherited() | {name: environment[name] for name in ("DATABASE_URL_REGISTRATION", "DATABASE_URL_KEYS")}


if __name__ == "__main__":
    asyncio.run(main())
