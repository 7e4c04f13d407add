"""Settings that every service has, read from the environment once, at the composition root."""

from __future__ import annotations

from base64 import b64decode
from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.clock import Clock

KEY_BYTES = 32


class ServiceSettings(BaseSettings):
    """What a process must know to run. Obsolete or missing names fail at start, by name."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", populate_by_name=True)

    kafka_bootstrap_servers: str = Field(default="127.0.0.1:9092", validation_alias="KAFKA_BOOTSTRAP_SERVERS")
    http_host: str = Field(default="127.0.0.1", validation_alias="RINTIS_HTTP_HOST")
    http_port: int = Field(default=8080, validation_alias="RINTIS_HTTP_PORT")
    clock_text: str | None = Field(default=None, validation_alias="RINTIS_CLOCK")
    instance: str | None = Field(default=None, validation_alias="RINTIS_INSTANCE")
    callers_file: Path | None = Field(default=None, validation_alias="RINTIS_CALLERS_FILE")
    keys_database_url: str = Field(default="", validation_alias="DATABASE_URL_KEYS")
    company_keys_database_url: str = Field(default="", validation_alias="DATABASE_URL_COMPANY_KEYS")
    policies: Path = Field(default=Path("policies"), validation_alias="RINTIS_POLICIES")
    master_identity: SecretStr | None = Field(default=None, validation_alias="RINTIS_MASTER_IDENTITY")
    master_contact: SecretStr | None = Field(default=None, validation_alias="RINTIS_MASTER_CONTACT")
    master_facts: SecretStr | None = Field(default=None, validation_alias="RINTIS_MASTER_FACTS")
    master_company: SecretStr | None = Field(default=None, validation_alias="RINTIS_MASTER_COMPANY")
    master_record: SecretStr | None = Field(default=None, validation_alias="RINTIS_MASTER_RECORD")

    @property
    def clock(self) -> Clock:
        """Return the one clock of business time."""
        return Clock.parse(self.clock_text)

    def masters(self, *boxes: str) -> dict[str, bytes]:
        """Return the master keys of these boxes. Raises ValueError naming the variable that is missing or malformed."""
        found: dict[str, bytes] = {}
        for box in boxes:
            secret: SecretStr | None = getattr(self, f"master_{box}")
            key = b64decode(secret.get_secret_value()) if secret else b""
            if len(key) != KEY_BYTES:
                raise ValueError(f"RINTIS_MASTER_{box.upper()} must be {KEY_BYTES} bytes in base64")
            found[box] = key
        return found
