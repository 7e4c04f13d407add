"""Settings of the console."""

from __future__ import annotations

from pydantic import Field

from shared.service import ServiceSettings


class Settings(ServiceSettings):
    """Where the services are."""

    url_registration: str = Field(default="http://127.0.0.1:8101", validation_alias="RINTIS_URL_REGISTRATION")
    url_eligibility: str = Field(default="http://127.0.0.1:8102", validation_alias="RINTIS_URL_ELIGIBILITY")
    url_notification: str = Field(default="http://127.0.0.1:8103", validation_alias="RINTIS_URL_NOTIFICATION")
    url_reporting: str = Field(default="http://127.0.0.1:8104", validation_alias="RINTIS_URL_REPORTING")
    url_audit: str = Field(default="http://127.0.0.1:8105", validation_alias="RINTIS_URL_AUDIT")
    ask_seconds: float = Field(default=2.0, gt=0)
    """How long one service may take to answer: a page that shows three of four services beats one that hangs."""

    def services(self) -> dict[str, str]:
        """Return the base address of each service."""
        return {
            "registration": self.url_registration,
            "eligibility": self.url_eligibility,
            "notification": self.url_notification,
            "reporting": self.url_reporting,
        }
