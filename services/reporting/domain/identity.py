"""Names that follow from what they name: the same input always gives the same id."""

from __future__ import annotations

from datetime import date
from uuid import UUID, uuid5

_NAMESPACE = UUID("6f1c1c1e-3b0e-5c7a-9f43-2d8a5b0c7e11")
"""Chosen once at random; another one would rename every permit."""


def permit_id_of(number: str) -> UUID:
    """Return the id of a permit by its number, known or not."""
    return uuid5(_NAMESPACE, f"permit|{number}")


def filing_id_of(submission_id: UUID) -> UUID:
    """Return the id of a report by what a copy of it is recognised by."""
    return uuid5(_NAMESPACE, f"filing|{submission_id}")


def warning_id_of(permit_id: UUID, due_on: date) -> UUID:
    """Return the id of the warning for one missed period."""
    return uuid5(_NAMESPACE, f"warning|{permit_id}|{due_on}")
