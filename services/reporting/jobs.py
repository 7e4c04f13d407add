"""What comes by time: look often in real time, decide by business time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from services.reporting.handlers.deadlines import close_periods, fill_ahead, is_closing_due
from services.reporting.handlers.desk import Desk
from services.reporting.handlers.door import forget_answers
from services.reporting.handlers.filings import is_refusing_due, refuse_orphans, settle_waiting
from services.reporting.settings import Settings
from shared.service import Job


class ReadUpTo(Protocol):
    """Says up to which business instant everything that arrived was read; `Watermark` is one."""

    async def advance(self) -> datetime | None:
        """Return the instant, None when it is not known yet."""


@dataclass(slots=True)
class Closing:
    """Closes periods up to the instant up to which permits and filings were read.

    A revocation that came before the deadline counts as much as a report: both topics are waited for.
    """

    desk: Desk
    watermarks: Sequence[ReadUpTo]
    consumers: Sequence[str]
    _reached: dict[int, datetime] = field(default_factory=dict)

    async def run(self) -> bool:
        """Close what can be closed now; return whether there may be more."""
        # Kafka is asked only when something is due, which is a few minutes a week.
        if not await is_closing_due(self.desk):
            return False
        for number, watermark in enumerate(self.watermarks):
            reached = await watermark.advance()
            # What one topic has reached stays true while the other is waited for.
            if reached is not None:
                self._reached[number] = reached
        if len(self._reached) < len(self.watermarks):
            return False
        return await close_periods(self.desk, min(self._reached.values()), self.consumers)


@dataclass(frozen=True, slots=True)
class Refusing:
    """Refuses reports whose permit did not come, once all news of permits up to their time was read."""

    desk: Desk
    watermark: ReadUpTo
    patience: timedelta
    consumer: str

    async def run(self) -> bool:
        """Refuse what can be refused now; return whether there may be more."""
        if not await is_refusing_due(self.desk, self.patience):
            return False
        reached = await self.watermark.advance()
        return reached is not None and await refuse_orphans(self.desk, reached, self.patience, self.consumer)


def jobs(desk: Desk, settings: Settings, closing: Closing, refusing: Refusing) -> list[Job]:
    """Return the recurring duties of a process; any number of processes may run them side by side."""

    async def fill() -> bool:
        return await fill_ahead(desk, ahead=settings.ahead, refill=settings.refill)

    async def settle() -> bool:
        return await settle_waiting(desk)

    async def forget() -> bool:
        return await forget_answers(desk, timedelta(days=settings.answer_days))

    return [
        Job("fill ledger", settings.every_seconds, fill),
        Job("settle waiting filings", settings.every_seconds, settle),
        Job("refuse orphaned filings", settings.every_seconds, refusing.run),
        Job("close periods", settings.every_seconds, closing.run),
        Job("forget answers", settings.clean_seconds, forget),
    ]
