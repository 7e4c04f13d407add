from pathlib import Path

import pytest

from rintis.runtime.databases import SERVICES
from tests.integration.operations.operations_stage import Stage, run

NOWHERE = {
    "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1",
    "RINTIS_URL_REGISTRATION": "http://127.0.0.1:1",
    "RINTIS_TOKEN": "token",
    **{f"AUDIT_URL_{service.upper()}": "postgresql://audit:x@127.0.0.1:1/x" for service in SERVICES},
}
COMMANDS = ("audit", "queues", "dead-letters list", "publish registration", "import FILE --kind layoffs")


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(("environment", "complaint"), [({}, "Nothing says where"), (NOWHERE, "127.0.0.1:1")])
def test_where_nothing_runs_a_command_says_so_with_a_remedy_and_a_status(
    command: str, environment: dict[str, str], complaint: str, tmp_path: Path
) -> None:
    file = tmp_path / "list.csv"
    file.write_text("nik,name,employment_status,layoff_on,employer\n")

    done = run([str(file) if word == "FILE" else word for word in command.split()], environment)

    # 1 would be an audit that found something.
    assert done.returncode == (2 if command == "audit" else 1)
    assert done.stdout == ""
    assert "rintis up" in done.stderr
    assert complaint in done.stderr or "The database of registration cannot be reached" in done.stderr
    assert "Traceback" not in done.stderr


async def test_publishing_to_a_topic_that_is_not_there_says_how_to_make_it(stage: Stage) -> None:
    done = await stage.command("publish", "registration", "--publisher", "nobody")

    assert (done.returncode, done.stdout) == (1, "")
    assert "There is no topic intake.registrations.nobody." in done.stderr
    assert "rintis publishers add nobody" in done.stderr


async def test_an_example_is_published_where_the_line_says(stage: Stage) -> None:
    done = await stage.command("publish", "registration", "--count", "2")

    assert done.returncode == 0, done.stderr
    first, second = done.stdout.splitlines()
    assert first.startswith("intake.registrations.kemnaker partition ")
    assert first != second
    assert (await stage.audit()).in_flight == 2
