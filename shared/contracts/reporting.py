"""Events that reporting, the IOMKI supervision, publishes."""

from __future__ import annotations

from datetime import date, datetime
from typing import ClassVar
from uuid import UUID

from pydantic import Field

from shared.contracts.envelope import Event, SealedBox
from shared.contracts.registration import Reason


class PermitFact(Event):
    """An event about one permit and one period of its reporting duty."""

    permit_id: UUID
    permit_number: str
    company: SealedBox = Field(description="Box `company`, sealed under the permit's key.")

    def key(self) -> str:
        """Return the permit id."""
        return str(self.permit_id)


class FilingFact(PermitFact):
    """What every event about a filing carries."""

    TOPIC: ClassVar[str] = "reporting.filings"

    due_on: date


class FilingAccepted(FilingFact):
    """The report passed every check and counts for its period."""

    TYPE: ClassVar[str] = "id.rintis.reporting.filing.accepted.v1"

    filing_id: UUID
    is_late: bool


class FilingReturned(FilingFact):
    """The report has errors that the company must mend; it does not count yet."""

    TYPE: ClassVar[str] = "id.rintis.reporting.filing.returned.v1"

    filing_id: UUID
    reasons: list[Reason]


class FilingMissed(FilingFact):
    """The deadline passed without a report that counts."""

    TYPE: ClassVar[str] = "id.rintis.reporting.filing.missed.v1"

    deadline: datetime


class PermitWarned(PermitFact):
    """A written warning was issued for missed periods (SE Menperin 3/2021, first step)."""

    TYPE: ClassVar[str] = "id.rintis.reporting.permit.warned.v1"
    TOPIC: ClassVar[str] = "reporting.sanctions"

    warning_id: UUID
    number: int = Field(ge=1, description="How many warnings in the current row, this one included.")
    missed: list[date] = Field(description="Due days of the periods that the warning cites.")
