"""A service's own audit statements, each with what it takes to look at everything."""

from __future__ import annotations

from datetime import UTC, datetime

from rintis.operations.inside import STATE
from shared.storage import load_queries

EVER = datetime(2000, 1, 1, tzinfo=UTC)


def inside_statements(service: str) -> dict[str, tuple[str, tuple[datetime, ...]]]:
    """Return each statement that names broken rows, with its arguments."""
    queries = load_queries(f"services.{service}", "audit.sql")
    return {name: (text, (EVER,) if "$1" in text else ()) for name, text in queries.items() if name not in STATE}
