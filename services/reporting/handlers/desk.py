"""What every use case of the service works with."""

from __future__ import annotations

from dataclasses import dataclass

from services.reporting.domain import Rules
from shared.clock import Clock
from shared.security import Boxes
from shared.storage import Database, Outbox


@dataclass(frozen=True, slots=True)
class Desk:
    """The dated rules, the clock of business time, the database, the outbox and the boxes of company contacts."""

    rules: Rules
    clock: Clock
    database: Database
    outbox: Outbox
    boxes: Boxes
