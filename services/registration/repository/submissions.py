"""Submissions: claimed once, decided in the same transaction, asked about afterwards."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import asyncpg

from services.registration.domain.reasons import Finding
from services.registration.domain.submissions import Verdict
from services.registration.repository.rows import SQL, columns, findings_json, read_findings
from shared.storage import Tx


class Submission(NamedTuple):
    """Something that came in, by its (source, id); `cause` is the id of what it leads to. In the order of the statement's columns."""

    submission_id: UUID
    cause: UUID
    publisher: str
    reference_id: UUID
    arrived_at: datetime


class Decided(NamedTuple):
    """What became of a submission."""

    submission: Submission
    verdict: Verdict
    reasons: tuple[Finding, ...] = ()
    warnings: tuple[Finding, ...] = ()
    person_id: UUID | None = None
    refusal_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Known:
    """A submission with its verdict, as it is told to its publisher."""

    submission_id: UUID
    kind: str
    verdict: Verdict
    reasons: tuple[Finding, ...]
    warnings: tuple[Finding, ...]
    arrived_at: datetime
    decided_at: datetime


async def add_submissions(tx: Tx, kind: str, door: str, decided: Sequence[Decided], now: datetime) -> None:
    """Write submissions that were not known, with their verdicts.

    Raises SerializationError where a rival has written one of them meanwhile: then everything is done again, and it is known.
    """
    if not decided:
        return
    given = [
        (*submission, verdict.value, findings_json(reasons), findings_json(warnings), person_id, refusal_id)
        for submission, verdict, reasons, warnings, person_id, refusal_id in decided
    ]
    try:
        await tx.execute(SQL["add_submissions"], kind, door, now, *columns(given))
    except asyncpg.UniqueViolationError as error:
        raise asyncpg.SerializationError("another process has decided on one of these submissions") from error


async def find_verdicts(tx: Tx, submissions: Collection[UUID], publisher: str) -> dict[UUID, Known]:
    """Return what became of a publisher's submissions, by id; another publisher's are not there."""
    rows = await tx.fetch(SQL["find_verdicts"], list(submissions), publisher)
    return {row["submission_id"]: _read(row) for row in rows}


async def find_latest_verdict(tx: Tx, references: Collection[UUID], publisher: str) -> Known | None:
    """Return what became of the newest submission with one of these references."""
    row = await tx.fetchrow(SQL["find_latest_verdict"], list(references), publisher)
    return _read(row) if row else None


def _read(row: asyncpg.Record) -> Known:
    findings = read_findings(row["reasons"]), read_findings(row["warnings"])
    return Known(row["submission_id"], row["kind"], Verdict(row["verdict"]), *findings, row["arrived_at"], row["decided_at"])
