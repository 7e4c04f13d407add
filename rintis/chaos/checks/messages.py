"""Messages to people: one intent per event, and what the providers really took.

What is promised, per kind of provider:
SMS: the provider honours our key, so a person gets a message once, however often we had to ask.
E-mail: SMTP knows no key. A message is handed in once; where nobody can say whether it was taken, it is `unknown`,
named, and not sent again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from rintis.chaos.checks.chain import once
from rintis.chaos.evidence import Evidence, Row
from rintis.chaos.judgement import Trouble, repeated

TELLING: Mapping[str, frozenset[str] | None] = {
    "registration.workers": frozenset({"worker.registered"}),
    "registration.refusals": frozenset({"registration.refused"}),
    "registration.reviews": frozenset({"worker.repeated"}),
    "eligibility.decisions": None,
    "eligibility.placements": frozenset(
        {"placement.offered", "placement.waitlisted", "placement.referred", "placement.accepted", "placement.expired"}
    ),
    "reporting.filings": None,
    "reporting.sanctions": None,
}
"""Which events a person is told of, per topic; None: all of them."""
FATES, TASKS = ("notification.messages", "notification.notices"), "notification.tasks"
FINAL = frozenset({"sent", "failed", "skipped", "unknown"})


def check_intents(evidence: Evidence) -> Iterator[Trouble]:
    """Every event that a person is told of has one message, and every settled message its event."""
    intended = {row["event_id"] for row in evidence.rows("messages")}
    fates = [record for topic in FATES for record in evidence.on(topic)]
    told = {record.body.get("message_id") for record in fates}
    for topic, facts in TELLING.items():
        for record in once(evidence.on(topic)):
            is_told = record.id in intended or evidence.is_excused("notification", record)
            if not is_told and (facts is None or record.fact in facts):
                yield Trouble("lost", "event_without_message", f"{topic} {record.id}")
    for row in evidence.rows("messages"):
        if (
            row["state"] in FINAL
            and row["id"] not in told
            and not any(evidence.is_leaving(topic, row["subject_id"]) for topic in FATES)
        ):
            yield Trouble("lost", "message_without_event", row["id"])
        if row["state"] == "sent" and row["newer"]:
            yield Trouble("superseded_messages", "sent_after_newer_was_known", row["id"])
    yield from repeated("doubled", "event_with_two_messages", (row["event_id"] for row in evidence.rows("messages")))
    said = (record.body.get("message_id", "") for record in once(fates))
    yield from repeated("doubled", "fate_said_twice", said)
    registered = (row["subject_id"] for row in evidence.rows("messages") if row["template"].startswith("registered."))
    yield from repeated("duplicate_messages", "told_twice_of_registration", registered)


def check_tasks(evidence: Evidence) -> Iterator[Trouble]:
    """Every review has one task, and every task its event."""
    cases = {row["case_id"] for row in evidence.rows("tasks")}
    opened = {record.key for record in evidence.on(TASKS)}
    for record in once(evidence.on("eligibility.decisions")):
        is_asked = record.fact == "decision.review_asked" and not evidence.is_excused("notification", record)
        if is_asked and record.body.get("review_id") not in cases:
            yield Trouble("lost", "review_without_task", record.id)
    for row in evidence.rows("tasks"):
        if row["about"] not in opened and not evidence.is_leaving(TASKS, row["about"]):
            yield Trouble("lost", "task_without_event", row["id"])
    yield from repeated("doubled", "case_with_two_tasks", (f"{row['kind']} {row['case_id']}" for row in evidence.rows("tasks")))


def check_providers(evidence: Evidence) -> Iterator[Trouble]:
    """What the providers took against what we say that was sent."""
    mail = [name.strip("<>").split("@")[0] for name in evidence.mail]
    known = {row["id"]: row for row in evidence.rows("messages")}
    for what, name, references in (("sms", "sms", evidence.sms), ("email", "smtp", mail)):
        # Only what was taken before the tables were read must be in them.
        for reference in set(references[: evidence.taken_before.get(name, len(references))]) - known.keys():
            yield Trouble("duplicate_messages", f"{what}_that_nobody_meant", reference)
        yield from repeated("duplicate_messages", f"{what}_taken_twice", references)
        yield from _check_fates(what, Counter(references), known)
        yield from _check_turns(evidence, references, known)


def _check_fates(channel: str, taken: Mapping[str, int], known: Mapping[str, Row]) -> Iterator[Trouble]:
    for id_, row in known.items():
        if row["channel"] != channel:
            continue
        if row["state"] == "sent" and id_ not in taken:
            yield Trouble("lost", f"{channel}_called_sent_never_taken", id_)
        if row["state"] == "unknown":
            yield Trouble("unknown_messages", f"{channel}_{'taken' if id_ in taken else 'not_taken'}", id_)
        if row["state"] in {"failed", "skipped"} and id_ in taken:
            yield Trouble("unknown_messages", f"{channel}_called_{row['state']}_yet_taken", id_)


def _check_turns(evidence: Evidence, references: Sequence[str], known: Mapping[str, Row]) -> Iterator[Trouble]:
    """News of one topic reaches a person in the order in which it was said."""
    numbers = {record.id: (topic, record.sequence) for topic in TELLING for record in evidence.on(topic)}
    last: dict[tuple[str, str], int] = {}
    for reference in references:
        row = known.get(reference)
        if row is None or row["event_id"] not in numbers:
            continue
        topic, sequence = numbers[row["event_id"]]
        lane = (row["subject_id"], topic)
        if sequence < last.get(lane, 0):
            yield Trouble("out_of_order", "older_message_after_newer", reference)
        last[lane] = max(sequence, last.get(lane, 0))
