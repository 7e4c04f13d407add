"""A small whole run as evidence: one worker registered, decided, placed and told; one permit issued, changed and reported on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from rintis.chaos.evidence import Evidence
from rintis.chaos.identities import reference_id_of, submission_id_of
from rintis.chaos.raw import Record
from rintis.chaos.sent import Acknowledged, Sent

PEOPLE, COMPANIES = "https://kemnaker.example", "https://siinas.example"
REGISTRATION = submission_id_of("kemnaker", PEOPLE, "registration-0")
ISSUED, CHANGED, FILED = (submission_id_of("siinas", COMPANIES, f"{what}-0") for what in ("permit", "change", "filing"))
INTAKE = ("intake.registrations.kemnaker", "intake.permits.siinas", "intake.filings.siinas")
HEARERS = {
    "registration.workers": ("eligibility", "notification"),
    "eligibility.decisions": ("registration", "notification"),
    "eligibility.placements": ("registration", "notification"),
    "notification.messages": ("registration",),
    "reporting.filings": ("notification",),
    INTAKE[0]: ("registration",),
    INTAKE[1]: ("reporting",),
    INTAKE[2]: ("reporting",),
}

Tables = dict[str, list[dict[str, Any]]]


def intake(topic: str, offset: int, key: str, id_: str, fact: str, **body: Any) -> Record:
    source = PEOPLE if topic.endswith("kemnaker") else COMPANIES
    return Record(topic, 0, offset, 0, key, id_, source, f"id.rintis.intake.{fact}.v1", digest=id_, body=body)


def own(topic: str, offset: int, key: str, id_: str, fact: str, *, sequence: int = 1, **body: Any) -> Record:
    return Record(
        topic,
        0,
        offset,
        0,
        key,
        id_,
        "/rintis",
        f"id.rintis.{topic.split('.', maxsplit=1)[0]}.{fact}.v1",
        sequence,
        f"d-{id_}",
        body,
    )


def a_message(id_: str, event_id: str, subject_id: str, template: str, **changes: Any) -> dict[str, Any]:
    plain = {"id": id_, "event_id": event_id, "subject_id": subject_id, "template": template, "channel": "sms"}
    return plain | {"state": "sent", "reason": "", "attempts": 1, "newer": False} | changes


def a_run() -> Evidence:
    """Return evidence in which nothing is wrong."""
    sent = [
        Sent(0, "registration", "kafka", "kemnaker", PEOPLE, "registration-0", "ref-0", "0"),
        Sent(1, "registration", "http", "kemnaker", "http:kemnaker", "ref-1", "ref-1", "0"),
    ]
    records = _records()
    tables = {**_registered(), **_decided(), **_told(), **_supervised(), **_shared(records)}
    sms = [f"m{n}" for n in range(5)]
    return Evidence(sent, [Acknowledged(0, 1.0, 0, 0), Acknowledged(1, 2.0)], records, tables, sms)


def _records() -> dict[str, list[Record]]:
    return {
        INTAKE[0]: [intake(INTAKE[0], 0, "ref-0", "registration-0", "registration.submitted")],
        INTAKE[1]: [
            intake(INTAKE[1], 0, "P-1", "permit-0", "permit.issued", workers=100),
            intake(INTAKE[1], 1, "P-1", "change-0", "permit.changed", workers=101),
        ],
        INTAKE[2]: [intake(INTAKE[2], 0, "P-1", "filing-0", "filing.submitted")],
        "registration.workers": [own("registration.workers", 0, "w", "e-worker", "worker.registered", worker_id="w")],
        "eligibility.decisions": [
            own(
                "eligibility.decisions",
                0,
                "w",
                "e-asked",
                "decision.review_asked",
                decision_id="d",
                review_id="r",
                facts_version=1,
            ),
            own(
                "eligibility.decisions",
                1,
                "w",
                "e-decided",
                "decision.confirmed",
                sequence=2,
                decision_id="d",
                decided_by="staff",
            ),
        ],
        "eligibility.placements": [
            own("eligibility.placements", 0, "w", "e-offered", "placement.offered", request_id="q", offer_id="o", incubator="I")
        ],
        "notification.messages": [
            own("notification.messages", n, "w", f"e-m{n}", "message.sent", sequence=n + 1, message_id=f"m{n}") for n in range(5)
        ],
        "notification.tasks": [own("notification.tasks", 0, "w", "e-task", "task.opened")],
        "reporting.filings": [own("reporting.filings", 0, "p", "e-filing", "filing.accepted", filing_id="f")],
    }


def _registered() -> Tables:
    reference, other = (reference_id_of("kemnaker", f"ref-{n}") for n in range(2))
    submission = {"kind": "registration", "publisher": "kemnaker", "person_id": "w", "refusal_id": None}
    return {
        "submissions": [
            submission | {"submission_id": REGISTRATION, "reference_id": reference, "door": "kafka", "verdict": "accepted"},
            submission | {"submission_id": "s-1", "reference_id": other, "door": "http", "verdict": "duplicate"},
        ],
        "registrations": [{"person_id": "w", "submission_id": REGISTRATION, "event_id": "e-worker"}],
        "statuses": [{"worker_id": "w", "decision": "confirmed", "placement": "offered"}],
    }


def _decided() -> Tables:
    return {
        "workers": [{"worker_id": "w", "is_erased": False}],
        "decisions": [
            {"decision_id": "d", "worker_id": "w", "facts_version": 1, "event_id": "e-worker"}
            | {"outcome": "review", "programme": "wub", "review_id": "r", "review": "approved"}
        ],
        "seat_requests": [{"request_id": "q", "worker_id": "w", "decision_id": "d", "state": "offered", "referred_to": None}],
        "offers": [{"offer_id": "o", "request_id": "q", "worker_id": "w", "incubator": "I", "state": "offered"}],
        "incubators": [{"code": "I", "seats": 1, "taken": 1}],
    }


def _told() -> Tables:
    told = ("e-worker", "e-asked", "e-decided", "e-offered", "e-filing")
    templates = ("registered.v1", "review_asked.v1", "confirmed.v1", "seat_offered.v1", "filing_accepted.v1")
    return {
        "messages": [a_message(f"m{n}", event, "w", templates[n]) for n, event in enumerate(told)],
        "tasks": [{"id": "t", "kind": "eligibility_review", "case_id": "r", "about": "w"}],
    }


def _supervised() -> Tables:
    return {
        "permits": [{"permit_id": "p", "number": "P-1", "state": "active", "workers": 101}],
        "permit_news": [
            {"submission_id": ISSUED, "kind": "issued", "outcome": "accepted"},
            {"submission_id": CHANGED, "kind": "changed", "outcome": "accepted"},
        ],
        "filings": [
            {"filing_id": "f", "submission_id": FILED, "permit_id": "p", "due_on": "2020-05-15", "state": "accepted"}
            | {"is_waiting": False}
        ],
        "periods": [{"permit_id": "p", "due_on": "2020-05-15", "versions": 1}],
    }


def _shared(records: dict[str, list[Record]]) -> Tables:
    return {
        "positions": [
            {"consumer": f"{service}.x", "topic": topic, "partition": 0, "next_offset": len(records[topic])}
            for topic, services in HEARERS.items()
            for service in services
        ],
        "sequences": [
            {"topic": topic, "key": lines[0].key, "last": len(lines)} for topic, lines in records.items() if topic not in INTAKE
        ],
    }


Change = Callable[[list[Any]], object]


def with_table(evidence: Evidence, name: str, change: Change) -> Evidence:
    """Return evidence with one table changed in place."""
    rows = [dict(row) for row in evidence.rows(name)]
    change(rows)
    return replace(evidence, tables={**evidence.tables, name: rows})


def with_topic(evidence: Evidence, name: str, change: Change) -> Evidence:
    """Return evidence with one topic changed in place."""
    lines = list(evidence.on(name))
    change(lines)
    return replace(evidence, records={**evidence.records, name: lines})
