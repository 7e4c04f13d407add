"""Between values and rows: the statements, columns for sets, findings as JSON."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from typing import Any

from services.registration.domain.reasons import Finding
from shared.storage import load_queries

SQL = load_queries("services.registration")


def columns(rows: Sequence[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """Return the columns of rows, of which there is at least one: statements take a set as an array per column."""
    return list(zip(*rows, strict=True))


def findings_json(findings: Collection[Finding]) -> str:
    """Return findings as they rest in a jsonb column."""
    return json.dumps([{"code": finding.code, "field": finding.field} for finding in findings]) if findings else "[]"


def read_findings(text: str) -> tuple[Finding, ...]:
    """Return the findings of a jsonb column."""
    return tuple(Finding(item["code"], item["field"]) for item in json.loads(text))
