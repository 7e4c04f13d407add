"""Holds what is there against the manifest and names every difference."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from rintis.demo.manifest import Manifest, Period, Permit, Worker
from rintis.demo.observed import Observed
from rintis.demo.people import Reply

SEATED = frozenset({"offered", "accepted", "declined", "expired", "waitlisted"})
PLACEMENT_NEWS: Mapping[str, tuple[str, ...]] = {
    "offered": ("seat_offered",),
    "accepted": ("seat_offered", "offer_accepted"),
    "declined": ("seat_offered",),
    "expired": ("seat_offered", "offer_expired"),
    "waitlisted": ("waitlisted",),
    "referred": ("referred",),
}

Row = Mapping[str, Any]
News = list[tuple[str, str]]
"""Template and channel of each message about one subject; the channel is empty for what could not be sent."""


def find_differences(manifest: Manifest, seen: Observed, replies: Sequence[Reply]) -> list[str]:
    """Return every difference between what was foreseen and what is there, one line each."""
    return [
        *_compare_submissions(manifest, seen),
        *_compare_workers(manifest, seen, replies),
        *_check_seats(seen),
        *_compare_permits(manifest, seen),
        *_compare_messages(manifest, seen),
    ]


def _compare_submissions(manifest: Manifest, seen: Observed) -> Iterator[str]:
    rows = [row for row in seen.submissions if row["kind"] == "registration"]
    found = Counter(str(row["reference_id"]) for row in rows)
    for key, worker in manifest.workers.items():
        if found[key] != 1:
            yield f"registration {worker.reference}: {found[key]} submissions instead of one"
    for row in rows:
        sent = manifest.workers.get(str(row["reference_id"]))
        if sent is None:
            yield f"registration: submission {row['reference_id']} was never sent"
        elif (row["verdict"], row["door"]) != (sent.verdict, sent.door) or set(row["reasons"]) != set(sent.reasons):
            yield f"registration {sent.reference}: {row['verdict']} {row['reasons']} instead of {sent.verdict} {sent.reasons}"
    evidence = sum(row["kind"] == "layoff" and row["verdict"] == "evidence" for row in seen.submissions)
    if evidence != manifest.evidence:
        yield f"layoff lists: {evidence} lines kept instead of {manifest.evidence}"


def _compare_workers(manifest: Manifest, seen: Observed, replies: Sequence[Reply]) -> Iterator[str]:
    answered = {reply.phone: reply.answer for reply in replies if reply.was_taken}
    by_worker: dict[str, list[Row]] = defaultdict(list)
    for row in seen.decisions:
        by_worker[str(row["worker_id"])].append(row)
    for worker_id, worker in accepted_workers(manifest, seen.submissions):
        rows = by_worker.pop(worker_id, [])
        if len(rows) != 1:
            yield f"eligibility {worker.reference}: {len(rows)} decisions instead of one"
        else:
            yield from (f"eligibility {worker.reference}: {fault}" for fault in _compare_decision(worker, rows[0], answered))
    yield from (f"eligibility: worker {worker_id} was decided and never accepted" for worker_id in by_worker)


def accepted_workers(manifest: Manifest, submissions: Iterable[Row]) -> Iterator[tuple[str, Worker]]:
    """Yield the id and the expectations of each worker who is registered."""
    for row in submissions:
        worker = manifest.workers.get(str(row["reference_id"]))
        if worker is not None and worker.verdict == row["verdict"] == "accepted":
            yield str(row["person_id"]), worker


def _compare_decision(worker: Worker, row: Row, answered: Mapping[str, str]) -> Iterator[str]:
    expected = worker.expected
    if expected is None:
        yield "decided, though it should not have been accepted"
        return
    if (row["outcome"], row["review"]) != (expected.outcome, expected.review):
        yield f"{row['outcome']} {row['review']} instead of {expected.outcome} {expected.review}"
    if set(row["reasons"]) != set(expected.reasons):
        yield f"reasons {sorted(row['reasons'])} instead of {sorted(expected.reasons)}"
    place = "seat" if row["seat"] in SEATED else row["referred_to"] if row["seat"] == "referred" else row["seat"]
    if place != expected.destination:
        yield f"sent to {place or 'nowhere'} instead of {expected.destination or 'nowhere'}"
    told = answered.get(worker.address or "")
    if told is not None and row["seat"] != told:
        yield f"seat is {row['seat']}, but the worker was told that it is {told}"


def _check_seats(seen: Observed) -> Iterator[str]:
    for row in seen.incubators:
        if not row["held"] == row["taken"] <= row["seats"]:
            yield f"incubator {row['code']}: {row['held']} seats held, {row['taken']} counted, {row['seats']} there"
    yield from (f"worker {row['worker_id']} holds two seats" for row in seen.holders)


def _compare_permits(manifest: Manifest, seen: Observed) -> Iterator[str]:
    periods: dict[tuple[str, str], Row] = {(row["number"], row["due_on"].isoformat()): row for row in seen.periods}
    filings: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in seen.filings:
        filings[row["permit_number"], row["due_on"].isoformat()].append(row)
    for number, permit in manifest.permits.items():
        for due_on, expected in permit.periods.items():
            about = f"reporting {number} {due_on}"
            found = periods.pop((number, due_on), None)
            if found is None:
                yield f"{about}: nothing is expected of it"
            elif (found["state"], found["warning"], found["was_missed"]) != (
                expected.state,
                expected.warning,
                expected.warning > 0,
            ):
                yield f"{about}: {found['state']}, warning {found['warning']} instead of {expected.state}, warning {expected.warning}"
            yield from (f"{about}: {fault}" for fault in _compare_filings(expected, filings[number, due_on]))
    yield from (f"reporting {number} {due_on}: expected by nobody" for number, due_on in periods)


def _compare_filings(expected: Period, rows: Sequence[Row]) -> Iterator[str]:
    accepted = sum(row["state"] == "accepted" for row in rows)
    returned = sorted(code for row in rows if row["state"] == "returned" for code in row["errors"])
    if (accepted, returned) != (expected.accepted, sorted(expected.returned)):
        yield f"{accepted} accepted, returned for {returned} instead of {expected.accepted} and {list(expected.returned)}"
    if left := len(rows) - accepted - sum(row["state"] == "returned" for row in rows):
        yield f"{left} reports are neither accepted nor returned"


def _compare_messages(manifest: Manifest, seen: Observed) -> Iterator[str]:
    expected = _foresee_messages(manifest, seen)
    found: dict[str, News] = defaultdict(list)
    for row in seen.messages:
        if row["state"] not in ("sent", "skipped"):
            yield f"message {row['template']} to {row['subject_id']}: {row['state']} {row['reason']}"
        found[str(row["subject_id"])] += [(row["template"], row["channel"] if row["state"] == "sent" else "")] * row["messages"]
    for subject in expected.keys() | found.keys():
        if sorted(expected.get(subject, [])) != sorted(found.get(subject, [])):
            yield f"messages to {subject}: {sorted(found.get(subject, []))} instead of {sorted(expected.get(subject, []))}"
    yield from _compare_received(manifest, seen)


def _foresee_messages(manifest: Manifest, seen: Observed) -> dict[str, News]:
    seats = {str(row["worker_id"]): row["seat"] for row in seen.decisions}
    # Nobody is told of an offer that has expired before its message could be sent.
    stale = {(str(row["subject_id"]), row["template"]) for row in seen.messages if row["reason"] == "expired"}
    news = {
        worker_id: [
            (template, "" if (worker_id, template) in stale and seats.get(worker_id) == "expired" else worker.channel or "")
            for template in _news_of_worker(worker, seats.get(worker_id, ""))
        ]
        for worker_id, worker in accepted_workers(manifest, seen.submissions)
    }
    for row in seen.submissions:
        worker = manifest.workers.get(str(row["reference_id"]))
        if worker is not None and worker.verdict == "refused":
            news[str(row["refusal_id"])] = [("refused", worker.channel or "")]
    ids = {row["number"]: str(row["permit_id"]) for row in seen.periods}
    return news | {ids[number]: list(_news_of_permit(permit)) for number, permit in manifest.permits.items() if number in ids}


def _news_of_worker(worker: Worker, seat: str) -> Iterator[str]:
    yield "registered"
    yield from ["repeated"] * worker.repeats
    if worker.expected is None:
        return
    if worker.expected.outcome == "review":
        yield "review_asked"
    yield "confirmed" if worker.expected.is_confirmed else "denied"
    yield from PLACEMENT_NEWS.get(seat, ())


def _news_of_permit(permit: Permit) -> Iterator[tuple[str, str]]:
    by_mail = permit.mail[0] if permit.mail else ""
    by_phone = permit.phone[0] if permit.phone else ""
    for period in permit.periods.values():
        yield from [("filing_accepted", by_mail)] * period.accepted
        yield from [("filing_returned", by_phone)] * len(period.returned)
        if period.warning:
            yield from (("filing_missed", by_phone), ("permit_warned", by_phone))


def _compare_received(manifest: Manifest, seen: Observed) -> Iterator[str]:
    """Each address must have received what was foreseen for it, and nothing else may have been received."""
    expected: dict[str, Counter[str]] = {"sms": Counter(), "email": Counter()}
    by_subject = _foresee_messages(manifest, seen)
    for subject, ways in _addresses(manifest, seen):
        for _, channel in by_subject.get(subject, []):
            if channel:
                expected[channel][ways[channel]] += 1
    for channel, counts in expected.items():
        for address in counts.keys() | seen.received[channel].keys():
            if counts[address] != seen.received[channel][address]:
                yield f"{channel} {_masked(address)}: {seen.received[channel][address]} received instead of {counts[address]}"


def _addresses(manifest: Manifest, seen: Observed) -> Iterator[tuple[str, dict[str, str]]]:
    for row in seen.submissions:
        worker = manifest.workers.get(str(row["reference_id"]))
        if worker and worker.channel and worker.address and worker.verdict in ("accepted", "refused"):
            subject = row["person_id"] if worker.verdict == "accepted" else row["refusal_id"]
            yield str(subject), {worker.channel: worker.address}
    ids = {row["number"]: str(row["permit_id"]) for row in seen.periods}
    for number, permit in manifest.permits.items():
        if number in ids:
            yield ids[number], dict(way for way in (permit.mail, permit.phone) if way)


def _masked(address: str) -> str:
    return f"…{address[-6:]}"
