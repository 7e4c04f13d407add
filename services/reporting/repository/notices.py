"""What was said about permits, and what became of the messages that told the companies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from services.reporting.repository.rows import SQL, columns
from shared.storage import Tx


@dataclass(frozen=True, slots=True)
class Notice:
    """One event that was said: about which permit and due day, and about which filing, period or warning."""

    event_id: UUID
    permit_id: UUID
    type: str
    due_on: date
    subject_id: UUID


async def add_notices(tx: Tx, notices: Sequence[Notice], now: datetime) -> None:
    """Remember what was said."""
    if notices:
        await tx.execute(SQL["add_notices"], *columns(notices, ("event_id", "permit_id", "type", "due_on", "subject_id")), now)


async def mark_told(tx: Tx, told: Sequence[tuple[UUID, str, datetime]]) -> set[UUID]:
    """Keep message states by the event that each message is about; return those that were ours."""
    event_ids, states, instants = zip(*told, strict=True)
    return {row["event_id"] for row in await tx.fetch(SQL["mark_told"], event_ids, states, instants)}
