"""Settings of reporting, read once by `app.py`."""

from __future__ import annotations

from datetime import timedelta

from pydantic import Field

from shared.service import ServiceSettings


class Settings(ServiceSettings):
    """What a reporting process must know. Days and hours are business time, seconds are real time."""

    database_url: str = Field(default="", validation_alias="DATABASE_URL_REPORTING")
    ahead_days: int = Field(default=28, ge=14, validation_alias="RINTIS_REPORTING_AHEAD_DAYS")
    """How far the ledger is filled: four weeks are what a company plans by."""
    refill_days: int = Field(default=21, ge=7, validation_alias="RINTIS_REPORTING_REFILL_DAYS")
    """Below this a permit's ledger is filled again: once a week for each permit, and three weeks of standstill are survived."""
    unmatched_hours: int = Field(default=72, ge=1, validation_alias="RINTIS_REPORTING_UNMATCHED_HOURS")
    """How long a report waits for its permit: longer than a weekend without the permit system."""
    answer_days: int = Field(default=14, ge=1, validation_alias="RINTIS_REPORTING_ANSWER_DAYS")
    """How long a call with an Idempotency-Key gets the same answer: as long as Kafka would keep the record."""
    http_in_flight: int = Field(default=8, ge=1, validation_alias="RINTIS_REPORTING_HTTP_IN_FLIGHT")
    """Calls with reports worked on at once: each holds one of the pool's connections and up to a thousand reports."""
    every_seconds: float = Field(default=0.5, gt=0, validation_alias="RINTIS_REPORTING_EVERY_SECONDS")
    """Pause between looks at what time has made due. Short, because business time may run thousands of times faster."""
    clean_seconds: float = Field(default=60.0, gt=0, validation_alias="RINTIS_REPORTING_CLEAN_SECONDS")
    """Pause between clean-ups."""

    @property
    def ahead(self) -> timedelta:
        """Return how far the ledger is filled."""
        return timedelta(days=self.ahead_days)

    @property
    def refill(self) -> timedelta:
        """Return below what the ledger is filled again."""
        return timedelta(days=self.refill_days)

    @property
    def patience(self) -> timedelta:
        """Return how long a report waits for its permit."""
        return timedelta(hours=self.unmatched_hours)
