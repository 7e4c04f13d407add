"""Permits and reports: every piece of news has one effect, in the order in which it lies on the topic."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from rintis.chaos.checks.chain import once
from rintis.chaos.checks.doors import submission_of
from rintis.chaos.evidence import Evidence
from rintis.chaos.judgement import Trouble, repeated
from rintis.chaos.raw import Record

PERMITS, FILINGS = "intake.permits", "reporting.filings"


def check_permits(evidence: Evidence) -> Iterator[Trouble]:
    """A permit stands as its last news says, and no change was refused because it overtook the permit's issue."""
    lasts: dict[str, Record] = {}
    met: set[str] = set()
    issued: set[str] = set()
    outcomes = {row["submission_id"]: row["outcome"] for row in evidence.rows("permit_news")}
    for record in evidence.family(PERMITS):
        submission_id = submission_of(record)
        if submission_id in met or evidence.is_excused("reporting", record):
            continue
        met.add(submission_id)
        if record.fact == "permit.issued":
            issued.add(record.key)
        elif outcomes.get(submission_id) == "refused" and record.key in issued:
            yield Trouble("out_of_order", "change_refused_though_issued_before", record.id)
        if "workers" in record.body:
            lasts[record.key] = record
    for row in evidence.rows("permits"):
        last = lasts.get(row["number"])
        if last is not None and row["workers"] != last.body["workers"]:
            yield Trouble("out_of_order", "older_news_stands_in_permit", row["permit_id"])


def check_filings(evidence: Evidence) -> Iterator[Trouble]:
    """A report is kept once, counted once, and said once."""
    told = {record.body.get("filing_id") for record in evidence.on(FILINGS)}
    accepted: Counter[tuple[str, str]] = Counter()
    for row in evidence.rows("filings"):
        is_told = row["filing_id"] in told or evidence.is_leaving(FILINGS, row["permit_id"])
        if row["state"] in {"accepted", "returned"} and not is_told:
            yield Trouble("lost", "filing_without_event", row["filing_id"])
        if row["state"] == "accepted":
            accepted[row["permit_id"], row["due_on"]] += 1
    versions = {(row["permit_id"], row["due_on"]): row["versions"] for row in evidence.rows("periods")}
    for period in versions.keys() | accepted.keys():
        name = " ".join(period)
        if versions.get(period, 0) > accepted[period]:
            yield Trouble("doubled", "filing_counted_twice", name)
        elif versions.get(period, 0) < accepted[period]:
            yield Trouble("lost", "filing_not_counted", name)
    said = (f"{r.body['filing_id']} {r.fact}" for r in once(evidence.on(FILINGS)) if "filing_id" in r.body)
    yield from repeated("doubled", "filing_said_twice", said)
    yield from repeated("doubled", "filing_kept_twice", (row["submission_id"] for row in evidence.rows("filings")))
