import httpx
import pytest

from tests.acceptance.acceptance_stage import System, people

pytestmark = pytest.mark.slow

ONE_OF_EACH = """
select (select count(*) from submissions where verdict = 'accepted')::int as accepted,
       (select count(*) from persons where state = 'registered')::int as persons
"""


async def test_the_same_event_five_times_is_one_registration_one_decision_one_message_each(system: System) -> None:
    system.up()
    await system.send([person.registration() for person in people(20)], times=5)

    verdict = await system.drained(20)

    assert verdict.is_clean, verdict.as_dict()
    assert await system.rows("registration", ONE_OF_EACH) == [{"accepted": 20, "persons": 20}]
    assert await system.count("eligibility", "select count(*) from decisions") == 20
    assert await system.count("notification", "select count(*) - count(distinct event_id) from messages") == 0
    assert len(system.messages()) == await system.count("notification", "select count(*) from messages where state = 'sent'")
    per_worker = (
        "select max(n) from (select count(*) as n from messages where template like 'registered%' group by subject_id) as x"
    )
    assert await system.count("notification", per_worker) == 1


async def test_a_case_that_staff_must_decide_is_one_task_however_often_it_is_sent(system: System) -> None:
    system.up()
    unclear = [person.registration(layoff_letter=None) for person in people(5)]
    await system.send(unclear, times=5)

    verdict = await system.drained(5)

    assert verdict.is_clean, verdict.as_dict()
    assert await system.count("eligibility", "select count(*) from reviews") == 5
    assert await system.count("notification", "select count(*) from tasks") == 5


async def test_the_same_call_five_times_is_one_registration_with_one_answer(system: System) -> None:
    system.up()
    token = system.start.servers.secrets.tokens["kemnaker"]
    body = {"items": [person.registration().model_dump(mode="json") for person in people(10)]}
    answers = []
    async with httpx.AsyncClient(base_url=system.processes["registration"].program.url, timeout=30) as client:
        for _ in range(5):
            headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": "one-call"}
            answer = await client.post("/registrations/batch", json=body, headers=headers)
            answers.append((answer.status_code, answer.json()["verdicts"]))

    verdict = await system.drained(10)

    assert verdict.is_clean, verdict.as_dict()
    assert answers[0][0] == 202
    assert all(answer == answers[0] for answer in answers)
    assert {item["verdict"] for item in answers[0][1]} == {"accepted"}
    assert await system.rows("registration", ONE_OF_EACH) == [{"accepted": 10, "persons": 10}]
    assert await system.count("eligibility", "select count(*) from decisions") == 10
