"""Between values and rows: the statements, columns for sets, findings as JSON."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from typing import Any

from services.registration.domain.reasons import Finding
from shared.storage import load_queries

SQL = load_queries("services.registration")


def columns(items: Sequence[object], *names: str) -> list[list[Any]]:
    """Return one list per name with that attribute of every item."""
    return [[getattr(item, name) for item in items] for name in names]


def findings_json(findings: Collection[Finding]) -> str:
    """Return findings as they rest in a jsonb column."""
    return json.dumps([{"code": finding.code, "field": finding.field} for finding in findings]) if findings else "[]"


def read_findings(text: str) -> tuple[Finding, ...]:
    """Return the findings of a jsonb column."""
    return tuple(Finding(item["code"], item["field"]) for item in json.loads(text))
