import json
from uuid import uuid4

from tests.integration.operations.operations_stage import INTAKE, Stage

SECRET = "Kusumawardhani-3273015204890007"
DEAD = """
insert into dead_letters (id, consumer, topic, partition, record_offset, reason, field, attempts, broker_ms, record, dead_at)
values ($1, $2, $3, 2, 7, $4, 'body', 1, 0, $5, now())
"""


async def test_list_and_show_say_where_and_why_and_print_no_content(stage: Stage) -> None:
    letter = uuid4()
    await stage.sql("registration", DEAD, letter, "registration.registrations", INTAKE, "not_json", SECRET.encode())

    listed = await stage.command("dead-letters", "list")
    shown = await stage.command("dead-letters", "show", str(letter))
    machine = await stage.command("dead-letters", "show", str(letter), "--json")

    assert (listed.returncode, shown.returncode, machine.returncode) == (0, 0, 0), listed.stderr + shown.stderr
    for output in (listed.stdout, shown.stdout):
        assert all(part in output for part in (str(letter), "registration.registrations", INTAKE, "not_json"))
    assert "The publisher must send JSON" in shown.stdout
    assert {name: json.loads(machine.stdout)[name] for name in ("topic", "partition", "record_offset")} == {
        "topic": INTAKE,
        "partition": 2,
        "record_offset": 7,
    }
    assert SECRET not in listed.stdout + shown.stdout + machine.stdout
    assert "record" not in json.loads(machine.stdout)


async def test_a_list_is_narrowed_by_consumer_and_reason(stage: Stage) -> None:
    await stage.sql("registration", DEAD, uuid4(), "registration.registrations", INTAKE, "not_json", b"x")
    await stage.sql("registration", DEAD, uuid4(), "registration.layoffs", "intake.layoffs.dinas", "missing", b"x")
    await stage.sql("reporting", DEAD, uuid4(), "reporting.filings", "intake.filings.siinas", "missing", b"x")

    by_reason = await stage.command("dead-letters", "list", "--reason", "missing", "--json")
    by_consumer = await stage.command("dead-letters", "list", "--consumer", "registration.layoffs", "--json")

    assert sorted(row["service"] for row in json.loads(by_reason.stdout)) == ["registration", "reporting"]
    assert [row["consumer"] for row in json.loads(by_consumer.stdout)] == ["registration.layoffs"]


async def test_a_letter_that_is_not_there_is_status_1(stage: Stage) -> None:
    letter = uuid4()

    done = await stage.command("dead-letters", "show", str(letter))

    assert (done.returncode, done.stdout) == (1, "")
    assert f"There is no dead letter {letter}." in done.stderr
