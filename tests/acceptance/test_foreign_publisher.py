import asyncio
import json
import os
import shutil
import subprocess
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

import httpx
import pytest

from shared.testing import eventually
from tests.acceptance.acceptance_stage import System
from tests.integration.operations.operations_stage import run

pytestmark = [pytest.mark.slow, pytest.mark.foreign, pytest.mark.timeout(1200)]

PROGRAM = Path(__file__).parent / "foreign_publisher"
BUILD_SECONDS = 600
"""A first build compiles Go's own library too: a minute on two idle cores."""
HAPPENED = "2020-05-11T09:14:09+07:00"
DUE_ON = date(2020, 5, 15)
"""The first Friday after the day that the system's clock is set to."""
NO_GO = "Go is not installed: install it (1.22 or newer), or leave this test out with -m 'not foreign'."


@pytest.fixture(scope="session")
def publisher(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program, built from its pinned modules into a folder of this test run."""
    go = shutil.which("go")
    if go is None:
        pytest.fail(NO_GO)
    program = tmp_path_factory.mktemp("foreign") / "publisher"
    command = [go, "build", "-mod=readonly", "-o", str(program), "."]
    done = subprocess.run(command, cwd=PROGRAM, capture_output=True, text=True, timeout=BUILD_SECONDS, check=False)  # noqa: S603
    assert done.returncode == 0, done.stderr
    return program


async def test_a_program_that_knows_only_the_page_is_accounted_for_event_by_event(publisher: Path, system: System) -> None:
    system.up()
    told = await asyncio.to_thread(publish, publisher, system.environment["KAFKA_BOOTSTRAP_SERVERS"])
    assert Counter(event["service"] for event in told) == {"registration": 100, "reporting": 40}

    answers = await eventually(lambda: ask(system, told), within=180, what="every event being answered for")
    await system.drained(100)
    done = await asyncio.to_thread(run, ["audit", "--wait", "60", "--json"], system.environment)

    words = Counter(answer.get("verdict") or f"{answer['kind']} {answer['outcome']}" for answer in answers)
    assert words == {"accepted": 100, "permit_issued accepted": 20, "filing accepted": 20}
    assert done.returncode == 0, done.stdout + done.stderr
    verdict = json.loads(done.stdout)
    counts = {name: verdict[name] for name in ("accepted", "in_flight", "missing", "double", "stuck", "dead")}
    assert counts == {"accepted": 140, "in_flight": 0, "missing": 0, "double": 0, "stuck": 0, "dead": 0}
    assert await system.count("eligibility", "select count(*) from decisions") == 100
    on_time = f"select count(*) from filings where state = 'accepted' and not is_late and due_on = '{DUE_ON}'"
    assert await system.count("reporting", on_time) == 20


def publish(publisher: Path, bootstrap: str) -> list[dict[str, str]]:
    """Run the program and return what it says that Kafka has acknowledged."""
    command = [str(publisher), bootstrap, HAPPENED, DUE_ON.isoformat()]
    variables = {"PATH": os.environ["PATH"]}
    done = subprocess.run(command, env=variables, capture_output=True, text=True, timeout=180, check=False)  # noqa: S603
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


async def ask(system: System, told: list[dict[str, str]]) -> list[dict[str, Any]]:
    """Return what GET /submissions answers for each event, nothing while one is not known or a report waits for its permit."""
    tokens = system.start.servers.secrets.tokens
    answers = []
    async with httpx.AsyncClient(timeout=30) as client:
        for event in told:
            answer = await client.get(
                f"{system.processes[event['service']].program.url}/submissions",
                params={"source": event["source"], "id": event["id"]},
                headers={"Authorization": f"Bearer {tokens[event['publisher']]}"},
            )
            if answer.status_code == httpx.codes.NOT_FOUND:
                return []
            answer.raise_for_status()
            answers.append(answer.json())
    return [] if any(answer.get("outcome") == "unmatched" for answer in answers) else answers
