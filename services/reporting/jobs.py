"""What comes by time: look often in real time, decide by business time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from services.reporting.handlers.deadlines import close_periods, fill_ahead, is_closing_due
from services.reporting.handlers.desk import Desk
from services.reporting.handlers.door import forget_answers
from services.reporting.handlers.filings import refuse_orphans, settle_waiting
from services.reporting.settings import Settings
from shared.messaging import Subscription
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
        if not await is_closing_due(self.desk):
            return False
        for number, watermark in enumerate(self.watermarks):
            reached = await watermark.advance()
            if reached is not None:
                self._reached[number] = reached
        if len(self._reached) < len(self.watermarks):
            return False
        return await close_periods(self.desk, min(self._reached.values()), self.consumers)


def jobs(desk: Desk, settings: Settings, watermarks: Sequence[ReadUpTo], heard: Sequence[Subscription]) -> list[Job]:
    """Return the recurring duties of a process; any number of processes may run them side by side."""
    closing = Closing(desk, watermarks, [subscription.group for subscription in heard])

    async def fill() -> bool:
        return await fill_ahead(desk, ahead=settings.ahead, refill=settings.refill)

    async def settle() -> bool:
        return await settle_waiting(desk)

    async def refuse() -> bool:
        return await refuse_orphans(desk, settings.patience)

    async def forget() -> bool:
        return await forget_answers(desk, timedelta(days=settings.answer_days))

    return [
        Job("fill ledger", settings.every_seconds, fill),
        Job("settle waiting filings", settings.every_seconds, settle),
        Job("refuse orphaned filings", settings.every_seconds, refuse),
        Job("close periods", settings.every_seconds, closing.run),
        Job("forget answers", settings.clean_seconds, forget),
    ]
