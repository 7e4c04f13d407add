"""What is kept of others' news, what is counted, and what the operations people's statements find."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from services.registration.domain.status import answer
from services.registration.repository.counts import count_overview
from services.registration.repository.statuses import find_case
from shared.contracts.eligibility import EligibilityConfirmed, EligibilityDenied, OfferExpired, SeatOffered, WorkerWaitlisted
from shared.contracts.notification import MessageFailed, MessageSent, MessageSkipped
from tests.integration.inside_statements import inside_statements
from tests.integration.registration.registration_setup import NOW, Office, a_layoff, a_registration

AUDIT = inside_statements("registration")
SEALED = "v1.AAAA"


def common(worker_id: UUID) -> dict[str, object]:
    return {
        "worker_id": worker_id,
        "facts_version": 1,
        "contact_version": 1,
        "province": "32",
        "contact": SEALED,
        "programme": "wub",
    }


def confirmed(worker_id: UUID) -> EligibilityConfirmed:
    values = common(worker_id) | {
        "decision_id": uuid4(),
        "policy": "wub@2020-05-08",
        "reasons": ["LAID_OFF"],
        "score": 70,
        "decided_by": "policy",
    }
    return EligibilityConfirmed.model_validate(values)


def offered(worker_id: UUID) -> SeatOffered:
    seat = {"request_id": uuid4(), "offer_id": uuid4(), "incubator": "bdi-denpasar", "incubator_name": "BDI Denpasar"}
    return SeatOffered.model_validate(common(worker_id) | seat | {"expires_at": NOW + timedelta(days=3)})


async def registered(office: Office) -> tuple[UUID, str]:
    await office.hear(a_registration())
    [(person_id, ticket)] = await office.rows("select person_id, ticket from persons")
    return person_id, ticket


async def stage(office: Office, ticket: str) -> str:
    case = await find_case(office.desk.database, ticket)
    assert case is not None
    return answer(case.standing).stage


async def test_a_worker_is_told_the_last_that_was_heard(office: Office) -> None:
    worker_id, ticket = await registered(office)
    await office.hear(confirmed(worker_id), ids=[str(uuid4())])
    assert await stage(office, ticket) == "confirmed"
    waiting = WorkerWaitlisted.model_validate(common(worker_id) | {"request_id": uuid4(), "position": 4})
    await office.hear(waiting, ids=[str(uuid4())])
    assert await stage(office, ticket) == "waitlisted"
    offer = offered(worker_id)
    await office.hear(offer, ids=[str(uuid4())])
    assert await stage(office, ticket) == "offered"
    expired = OfferExpired.model_validate(
        common(worker_id) | {"request_id": uuid4(), "offer_id": offer.offer_id, "incubator": "x"}
    )
    await office.hear(expired, ids=[str(uuid4())])
    assert await stage(office, ticket) == "expired"


@pytest.mark.parametrize("reasons", [[], ["NOT_WNI"], ["NOT_WNI", "TOO_YOUNG"]])
async def test_a_denial_is_told_as_one_with_all_its_reasons(office: Office, reasons: list[str]) -> None:
    worker_id, ticket = await registered(office)
    values = common(worker_id) | {"decision_id": uuid4(), "policy": "p", "reasons": reasons, "decided_by": "policy"}
    await office.hear(EligibilityDenied.model_validate(values), ids=[str(uuid4())])
    assert await stage(office, ticket) == "denied"
    assert await office.rows("select reasons from worker_decisions") == [(reasons,)]


async def test_messages_of_workers_are_kept_and_those_of_companies_are_not(office: Office) -> None:
    worker_id, ticket = await registered(office)
    told = {"message_id": uuid4(), "about": uuid4(), "template": "registered"}
    sent = MessageSent.model_validate(told | {"subject_id": worker_id, "channel": "sms"})
    company = MessageSkipped.model_validate(told | {"subject_id": uuid4(), "reason": "no_channel"})
    await office.hear(sent, company, ids=[str(uuid4()), str(uuid4())])
    case = await find_case(office.desk.database, ticket)
    assert case is not None
    assert case.message is not None
    assert case.message[:2] == ("sent", "sms")
    assert await office.rows("select count(*) from worker_messages") == [(1,)]


async def test_of_messages_heard_together_the_last_stands_and_none_was_news_too_late(office: Office) -> None:
    worker_id, ticket = await registered(office)
    about = {"subject_id": worker_id, "template": "registered", "channel": "sms"}
    failed = MessageFailed.model_validate(about | {"message_id": uuid4(), "about": uuid4(), "reason": "refused"})
    sent = MessageSent.model_validate(about | {"message_id": uuid4(), "about": uuid4()})
    await office.hear(failed, sent, ids=[str(uuid4()), str(uuid4())], apart=timedelta(seconds=1))
    await office.hear(failed, ids=[str(uuid4())], at=NOW - timedelta(days=1))
    case = await find_case(office.desk.database, ticket)
    assert case is not None
    assert case.message is not None
    assert case.message[0] == "sent"
    heard = "select outcome, sum(events)::int from flow where topic = 'notification.messages' group by 1 order by 1"
    assert await office.rows(heard) == [("handled", 2), ("superseded", 1)]


async def test_the_overview_counts_by_door_verdict_and_reason(office: Office) -> None:
    await office.hear(a_registration(), a_registration(), a_registration(nik="abc"))
    await office.hear(a_layoff("9501011203850002"))
    counts = await count_overview(office.desk.database)
    expected = {"received": 3, "accepted": 1, "duplicate": 1, "refused": 1, "refused_NIK_FORMAT": 1, "preregistered": 1}
    assert {name: counts.get(name) for name in expected} == expected
    assert (counts["registrations_by_kafka"], counts["layoffs_evidence"]) == (3, 1)


async def test_the_audit_finds_nothing_where_all_is_well(office: Office) -> None:
    await office.hear(a_registration(), a_registration(), a_registration(nik="abc"))
    await office.hear(a_layoff())
    assert {name: await office.rows(statement, *values) for name, (statement, values) in AUDIT.items()} == {
        name: [] for name in AUDIT
    }


@pytest.mark.parametrize(
    ("damage", "kind"),
    [
        ("update submissions set verdict = null where verdict = 'accepted' returning 1", "submission_undecided"),
        ("delete from sequences where topic = 'registration.workers' returning 1", "registration_unsaid"),
        ("delete from sequences where topic = 'registration.refusals' returning 1", "refusal_unsaid"),
        ("delete from registrations returning 1", "acceptance_unbacked"),
        ("update persons set state = 'preregistered' returning 1", "person_half_registered"),
        ("delete from nik_tokens returning 1", "person_unindexed"),
    ],
)
async def test_the_audit_finds_what_is_broken(office: Office, damage: str, kind: str) -> None:
    await office.hear(a_registration(), a_registration(nik="abc"))
    await office.rows(damage)
    found = [row[0] for statement, values in AUDIT.values() for row in await office.rows(statement, *values)]
    assert kind in found
