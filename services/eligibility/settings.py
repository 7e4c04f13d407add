"""Settings of eligibility, read once by `app.py`."""

from __future__ import annotations

from datetime import timedelta

from pydantic import Field

from shared.service import ServiceSettings


class Settings(ServiceSettings):
    """What an eligibility process must know. Hours and days are business time, seconds are real time."""

    database_url: str = Field(default="", validation_alias="DATABASE_URL_ELIGIBILITY")
    offer_hours: int = Field(default=72, ge=1, validation_alias="RINTIS_ELIGIBILITY_OFFER_HOURS")
    """How long an offer holds its seat: three days, our assumption, so that nobody loses a seat over a weekend."""
    review_days: int = Field(default=7, ge=1, validation_alias="RINTIS_ELIGIBILITY_REVIEW_DAYS")
    """When a review is due: a week, our assumption; no rule names a period."""
    allocate_batch: int = Field(default=500, ge=1, le=1000, validation_alias="RINTIS_ELIGIBILITY_ALLOCATE_BATCH")
    """Requests placed under one hold of provinces' locks: about a tenth of a second, so that an answer to an offer never waits long."""
    allocate_seconds: float = Field(default=0.2, gt=0, validation_alias="RINTIS_ELIGIBILITY_ALLOCATE_SECONDS")
    """Pause of the allocator when no province has both work and a free lock; a decision of the same process wakes it at once."""
    expire_batch: int = Field(default=200, ge=1, le=1000, validation_alias="RINTIS_ELIGIBILITY_EXPIRE_BATCH")
    """Offers ended under one hold of a province's lock: bounds the transaction."""
    expire_seconds: float = Field(default=0.5, gt=0, validation_alias="RINTIS_ELIGIBILITY_EXPIRE_SECONDS")
    """Pause between looks for offers past their deadline. Short, because business time may run thousands of times faster."""

    @property
    def offer_time(self) -> timedelta:
        """Return how long an offer holds its seat."""
        return timedelta(hours=self.offer_hours)

    @property
    def review_time(self) -> timedelta:
        """Return how long a dinas has for a review."""
        return timedelta(days=self.review_days)
