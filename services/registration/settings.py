"""Settings of registration, read once by `app.py`."""

from __future__ import annotations

from datetime import timedelta

from pydantic import Field, SecretStr

from shared.service import ServiceSettings


class Settings(ServiceSettings):
    """What a registration process must know. Days and hours are business time, seconds are real time."""

    database_url: str = Field(default="", validation_alias="DATABASE_URL_REGISTRATION")
    blind_keys: SecretStr = Field(default=SecretStr(""), validation_alias="RINTIS_BLIND_KEYS")
    pool_size: int = Field(default=18, ge=8, validation_alias="RINTIS_REGISTRATION_POOL_SIZE")
    """Connections: five consumers, relay and jobs, and two for each call in hand (its transaction, and its preparation), kept ones too."""
    http_in_flight: int = Field(default=4, ge=1, le=4, validation_alias="RINTIS_REGISTRATION_HTTP_IN_FLIGHT")
    """Calls with submissions worked on at once: each holds two connections and up to a thousand items."""
    outbox_events: int = Field(default=100_000, ge=1, validation_alias="RINTIS_REGISTRATION_OUTBOX_EVENTS")
    """Above this many unsent events the doors ask callers to come back: the disk stays bounded while Kafka is away."""
    answer_days: int = Field(default=14, ge=1, validation_alias="RINTIS_REGISTRATION_ANSWER_DAYS")
    """How long a call with an Idempotency-Key gets the same answer: as long as Kafka would keep the record."""
    refusal_days: int = Field(default=30, ge=1, validation_alias="RINTIS_REGISTRATION_REFUSAL_DAYS")
    """How long the contact of a refused registration stays readable: long enough to tell them, and no longer. Real days."""
    repeat_hours: int = Field(default=24, ge=1, validation_alias="RINTIS_REGISTRATION_REPEAT_HOURS")
    """Our assumption: at most one message a day that one is registered already, so that nobody can be flooded by others."""
    clean_seconds: float = Field(default=60.0, gt=0, validation_alias="RINTIS_REGISTRATION_CLEAN_SECONDS")
    """Pause between clean-ups."""

    deferred_seconds: float = Field(default=0.1, gt=0, validation_alias="RINTIS_REGISTRATION_DEFERRED_SECONDS")
    """Pause of who works through kept calls while these give way; where none waits, the database is asked once a second."""

    @property
    def answers_kept(self) -> timedelta:
        """Return how long answers are kept."""
        return timedelta(days=self.answer_days)
