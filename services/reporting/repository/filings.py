"""Reports as rows."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import asdict
from datetime import datetime
from uuid import UUID

import asyncpg

from services.reporting.domain import Answers, Decision, Filing, FilingState, Finding, Period, Verdict
from services.reporting.domain.identity import permit_id_of
from services.reporting.repository.ledger import PERIOD_FIELDS
from services.reporting.repository.rows import SQL, columns, findings_json, read_findings
from shared.storage import Tx


def _read_filing(row: asyncpg.Record) -> Filing:
    names = ("filing_id", "submission_id", "cause", "publisher", "permit_number", "due_on", "form", "arrived_at")
    return Filing(**{name: row[name] for name in names}, answers=Answers(**json.loads(row["answers"])))


async def save_filings(tx: Tx, decisions: Sequence[Decision], periods: Sequence[Period], now: datetime) -> None:
    """Write reports with what was decided about them, and the ledger's rows that this changed; each once."""
    if not decisions:
        return
    filings = [decision.filing for decision in decisions]
    verdicts = [decision.verdict for decision in decisions]
    await tx.execute(
        SQL["save_filings"],
        *columns(filings, ("filing_id", "submission_id", "cause")),
        # Also for a permit that is not known yet: its id follows from its number.
        [permit_id_of(filing.permit_number) for filing in filings],
        *columns(filings, ("permit_number", "due_on", "form")),
        [json.dumps(asdict(filing.answers)) for filing in filings],
        *columns(filings, ("publisher", "arrived_at")),
        [verdict.state.value for verdict in verdicts],
        [decision.is_late for decision in decisions],
        [findings_json(verdict.errors) for verdict in verdicts],
        [findings_json(verdict.warnings) for verdict in verdicts],
        now,
        *columns(periods, PERIOD_FIELDS),
    )


async def find_filings(tx: Tx, submission_ids: Collection[UUID]) -> dict[UUID, Decision]:
    """Return reports that are here already with what was decided, by what a copy is recognised by."""
    rows = await tx.fetch(SQL["find_filings"], list(submission_ids))
    return {row["submission_id"]: _read_decision(row) for row in rows}


def _read_decision(row: asyncpg.Record) -> Decision:
    errors, warnings = read_findings(row["errors"]), read_findings(row["warnings"])
    return Decision(_read_filing(row), None, Verdict(FilingState(row["state"]), errors, warnings), row["is_late"])


async def has_waiting(tx: Tx) -> bool:
    """Return whether any report waits, at the cost of one look at an index."""
    found: bool = await tx.fetchval(SQL["has_waiting"])
    return found


async def claim_waiting(tx: Tx, limit: int) -> list[Filing]:
    """Return reports whose wait is over, oldest first, locked."""
    return [_read_filing(row) for row in await tx.fetch(SQL["claim_waiting"], limit)]


async def has_orphans(tx: Tx, arrived_before: datetime) -> bool:
    """Return whether any report that arrived before then still waits for its permit."""
    found: bool = await tx.fetchval(SQL["has_orphans"], arrived_before)
    return found


async def refuse_unmatched(tx: Tx, arrived_before: datetime, consumer: str, *, limit: int, now: datetime) -> int:
    """Give up on reports whose permit did not come to `consumer`; return how many."""
    errors = findings_json([Finding("PERMIT_UNKNOWN", "permit_number")])
    status = await tx.execute(SQL["refuse_unmatched"], arrived_before, limit, errors, now, consumer)
    return int(status.split()[-1])
