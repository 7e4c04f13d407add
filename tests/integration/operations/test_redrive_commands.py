import json
import subprocess
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from rintis.runtime.people import OPERATOR, SECOND_OPERATOR
from rintis.runtime.secrets import Secrets
from rintis.testing.environment import ServiceStarter
from rintis.testing.fixtures import Publish
from shared.testing import eventually
from tests.integration.operations.operations_stage import INTAKE, Stage

CONSUMER = "registration.registrations"
SECRET = "Kusumawardhani"
Command = Callable[..., Awaitable[subprocess.CompletedProcess[str]]]


@pytest.fixture
async def desk(stage: Stage, start_service: ServiceStarter, secrets: Secrets, publish: Publish) -> Stage:
    """A running registration that has three records of rubbish on its list, and an operator at a terminal."""
    process = start_service("registration")
    urls = {f"RINTIS_URL_{name}": process.program.url for name in ("REGISTRATION", "ELIGIBILITY", "NOTIFICATION", "REPORTING")}
    for number in range(3):
        await publish(INTAKE, f"{{oops {SECRET}".encode(), key=f"ref-{number}".encode(), headers={"ce_specversion": b"1.0"})

    async def are_dead() -> bool:
        return len(await stage.sql("registration", "select 1 from dead_letters")) == 3

    await eventually(are_dead, within=60, what="the rubbish being set aside")
    return replace(stage, environment={**stage.environment, **urls, "RINTIS_TOKEN": secrets.tokens[OPERATOR]})


def second(desk: Stage, secrets: Secrets) -> Stage:
    """Return the terminal of the other operator."""
    return replace(desk, environment={**desk.environment, "RINTIS_TOKEN": secrets.tokens[SECOND_OPERATOR]})


async def test_rubbish_is_counted_tried_again_and_waived_and_its_story_is_kept(desk: Stage) -> None:
    wanted = ("--consumer", CONSUMER, "--reason", "missing", "--json")
    planned = await desk.command("dead-letters", "redrive", *wanted, "--why", "to see", "--dry-run")
    tried = await desk.command("dead-letters", "redrive", *wanted, "--why", "a new version", "--yes")
    listed = await desk.command("dead-letters", "list", *wanted)
    waived = await desk.command("dead-letters", "waive", *wanted, "--why", "the publisher knows", "--yes")
    after = await desk.command("dead-letters", "list", "--json")
    nothing = await desk.command("dead-letters", "redrive", *wanted, "--why", "nothing left", "--yes")
    story = await desk.command("dead-letters", "history", "--json")

    assert (planned.returncode, json.loads(planned.stdout)["registration"]["entries"]) == (0, 3), planned.stderr
    assert (tried.returncode, json.loads(tried.stdout)["registration"]["outcomes"]) == (1, {"failed": 3}), tried.stderr
    assert [row["attempts"] for row in json.loads(listed.stdout)] == [2, 2, 2]
    assert (waived.returncode, json.loads(waived.stdout)["registration"]["outcomes"]) == (0, {"waived": 3}), waived.stderr
    assert json.loads(after.stdout) == []
    assert nothing.returncode == 1
    mine = {row["id"]: row for row in json.loads(story.stdout)}.values()
    assert sorted((row["kind"], row["why"], row["asked_by"]) for row in mine) == [
        ("redrive", "a new version", OPERATOR),
        ("waive", "the publisher knows", OPERATOR),
    ]


async def test_a_record_is_read_once_and_only_after_a_second_person_agreed(desk: Stage, secrets: Secrets) -> None:
    letter = str((await desk.sql("registration", "select id from dead_letters limit 1"))[0]["id"])
    asked = await desk.command("dead-letters", "read", letter, "--why", "the publisher asks")
    action = asked.stderr.split("approve ", 1)[1].split()[0]
    alone = await desk.command("dead-letters", "approve", action)
    too_early = await desk.command("dead-letters", "read", "--action", action)
    agreed = await second(desk, secrets).command("dead-letters", "approve", action)
    shown = await desk.command("dead-letters", "read", "--action", action)
    again = await desk.command("dead-letters", "read", "--action", action)

    assert (asked.returncode, asked.stdout) == (3, "")
    assert (alone.returncode, too_early.returncode, agreed.returncode, shown.returncode, again.returncode) == (1, 1, 0, 0, 1)
    assert "Somebody else" in alone.stderr
    assert SECRET in shown.stdout
    assert SECRET not in asked.stderr + alone.stderr + too_early.stderr + agreed.stdout + again.stdout + again.stderr


async def test_only_operators_may_touch_anything(desk: Stage, secrets: Secrets) -> None:
    stranger = replace(desk, environment={**desk.environment, "RINTIS_TOKEN": secrets.tokens["kemnaker"]})

    refused = await stranger.command("dead-letters", "waive", "--why", "mischief", "--yes", "--json")
    short = await desk.command("dead-letters", "waive", "--why", "x", "--yes")
    unsaid = await desk.command("dead-letters", "waive", "--why", "no terminal")
    reading = await desk.command("consumers", "stopped")

    assert (refused.returncode, "role operator" in refused.stderr) == (1, True)
    assert (short.returncode, "why" in short.stderr) == (1, True)
    assert (unsaid.returncode, "--yes" in unsaid.stderr) == (2, True)
    assert (reading.returncode, reading.stdout.strip()) == (0, "Every consumer reads.")
    assert len(await desk.sql("registration", "select 1 from dead_letters where closed_at is null")) == 3
