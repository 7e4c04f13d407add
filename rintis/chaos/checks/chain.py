"""A worker's way: submission, registration, event, decision, placement, and what is answered to the worker."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rintis.chaos.evidence import Evidence
from rintis.chaos.identities import reference_id_of
from rintis.chaos.judgement import Trouble, repeated
from rintis.chaos.raw import Record

WORKERS, REFUSALS = "registration.workers", "registration.refusals"
DECISIONS, PLACEMENTS = "eligibility.decisions", "eligibility.placements"


def check_registrations(evidence: Evidence) -> Iterator[Trouble]:
    """A verdict and its consequence: a registration with its event, or a refusal with its event."""
    registered = {row["submission_id"] for row in evidence.rows("registrations")}
    told = {record.id for record in evidence.on(WORKERS)}
    refused = {record.body.get("reference_id") for record in evidence.on(REFUSALS)}
    for row in evidence.rows("submissions"):
        if row["verdict"] == "accepted" and row["submission_id"] not in registered:
            yield Trouble("lost", "accepted_without_registration", row["submission_id"])
        is_refusal = row["verdict"] == "refused" and row["kind"] == "registration"
        if is_refusal and row["refusal_id"] not in refused and not evidence.is_leaving(REFUSALS, row["refusal_id"]):
            yield Trouble("lost", "refusal_without_event", row["submission_id"])
    for row in evidence.rows("registrations"):
        if row["event_id"] not in told and not evidence.is_leaving(WORKERS, row["person_id"]):
            yield Trouble("lost", "registration_without_event", row["person_id"])
    yield from repeated("doubled", "person_registered_twice", (row["person_id"] for row in evidence.rows("registrations")))
    yield from _twice_registered(evidence)


def check_decisions(evidence: Evidence) -> Iterator[Trouble]:
    """Every registered worker has one decision on the facts, and every decision its event."""
    decided = {row["event_id"]: row for row in evidence.rows("decisions")}
    erased = {row["worker_id"] for row in evidence.rows("workers") if row["is_erased"]}
    told = {record.body.get("decision_id") for record in evidence.on(DECISIONS)}
    for record in once(evidence.on(WORKERS)):
        is_decided = record.id in decided or record.key in erased or evidence.is_excused("eligibility", record)
        if record.fact == "worker.registered" and not is_decided:
            yield Trouble("lost", "event_without_decision", record.id)
    for row in evidence.rows("decisions"):
        if row["decision_id"] not in told and not evidence.is_leaving(DECISIONS, row["worker_id"]):
            yield Trouble("lost", "decision_without_event", row["decision_id"])
    versions = (f"{row['worker_id']} {row['facts_version']}" for row in evidence.rows("decisions"))
    yield from repeated("doubled", "decided_twice", versions)
    by_policy = (
        f"{record.key} {record.body.get('facts_version')}"
        for record in once(evidence.on(DECISIONS))
        if record.body.get("decided_by") == "policy" or record.fact == "decision.review_asked"
    )
    yield from repeated("doubled", "decision_said_twice", by_policy)


def check_placements(evidence: Evidence) -> Iterator[Trouble]:
    """Every confirmed worker has a request for a seat or a referral, and every placement its event."""
    asked = {row["worker_id"] for row in evidence.rows("seat_requests")}
    said = {(record.body.get("request_id"), record.fact.split(".")[-1]) for record in evidence.on(PLACEMENTS)}
    for row in evidence.rows("decisions"):
        if (row["outcome"] == "confirmed" or row["review"] == "approved") and row["worker_id"] not in asked:
            yield Trouble("lost", "confirmed_without_request", row["decision_id"])
        if row["outcome"] == "review" and row["review_id"] is None:
            yield Trouble("lost", "review_missing", row["decision_id"])
    for row in evidence.rows("seat_requests"):
        is_told = (row["request_id"], row["state"]) in said or evidence.is_leaving(PLACEMENTS, row["worker_id"])
        if row["state"] not in {"requested", "erased"} and not is_told:
            yield Trouble("lost", "placement_without_event", row["request_id"])
    yield from repeated("doubled", "offered_twice", (row["offer_id"] for row in evidence.rows("offers")))


def check_statuses(evidence: Evidence) -> Iterator[Trouble]:
    """What a worker who asks is told is the last that was said, not an older truth."""
    known = {row["worker_id"]: row for row in evidence.rows("statuses")}
    for topic, column in ((DECISIONS, "decision"), (PLACEMENTS, "placement")):
        lasts: dict[str, Record] = {}
        for record in once(evidence.on(topic)):
            if record.sequence > (lasts[record.key].sequence if record.key in lasts else 0):
                lasts[record.key] = record
        for worker, record in lasts.items():
            told = known[worker][column] if worker in known else None
            if evidence.is_excused("registration", record):
                continue
            if told is None:
                yield Trouble("lost", f"{column}_not_in_status", worker)
            elif told != record.fact.split(".")[-1]:
                yield Trouble("out_of_order", f"older_{column}_in_status", worker)


def _twice_registered(evidence: Evidence) -> Iterator[Trouble]:
    """Of all that was sent about one person, one thing at most was accepted."""
    people: dict[str, str] = {}
    subjects = {reference_id_of(e.publisher, e.reference): e.subject for e in evidence.sent if e.kind == "registration"}
    for row in evidence.rows("submissions"):
        subject = subjects.get(row["reference_id"])
        if subject is None or row["verdict"] != "accepted":
            continue
        if people.setdefault(subject, row["submission_id"]) != row["submission_id"]:
            yield Trouble("doubled", "one_person_accepted_twice", row["submission_id"])


def once(records: Iterable[Record]) -> Iterator[Record]:
    """Yield records without those that the relay sent more than once."""
    met: set[str] = set()
    for record in records:
        if record.id not in met:
            met.add(record.id)
            yield record
