"""What notification is configured by, and every bound it works within."""

from __future__ import annotations

from pydantic import Field, SecretStr, model_validator

from services.notification.domain.messages import Channel
from shared.messaging.retry import RetryPolicy
from shared.service import ServiceSettings

PHASES = 2
"""An e-mail is bounded in two phases (introduction, content), an SMS in two calls (sending, asking after it)."""


class Settings(ServiceSettings):
    """Addresses of the providers, and bounds with their reasons."""

    database_url: str = Field(validation_alias="DATABASE_URL_NOTIFICATION")
    sms_url: str = Field(default="http://127.0.0.1:8091", validation_alias="RINTIS_SMS_URL")
    sms_token: SecretStr = Field(default=SecretStr(""), validation_alias="RINTIS_SMS_TOKEN")
    smtp_host: str = Field(default="127.0.0.1", validation_alias="RINTIS_SMTP_HOST")
    smtp_port: int = Field(default=8025, validation_alias="RINTIS_SMTP_PORT")
    smtp_user: str | None = Field(default=None, validation_alias="RINTIS_SMTP_USER")
    smtp_password: SecretStr | None = Field(default=None, validation_alias="RINTIS_SMTP_PASSWORD")
    mail_from: str = Field(default="tidak-dibalas@rintis.invalid", validation_alias="RINTIS_MAIL_FROM")

    roles_text: str = Field(
        default="hear,send", pattern=r"^(hear|send)(,(hear|send))?$", validation_alias="RINTIS_NOTIFICATION_ROLES"
    )
    """What this process does: hears news, sends messages, or both. Senders alone can be many where a provider is slow."""
    provider_seconds: float = Field(default=10.0, validation_alias="RINTIS_NOTIFICATION_PROVIDER_SECONDS")
    """Longest wait for a provider's answer: far above a healthy one's, and short enough that one hanging call holds up a set briefly."""
    lease_seconds: float = Field(default=90.0, validation_alias="RINTIS_NOTIFICATION_LEASE_SECONDS")
    """How long a sender may hold a set: above the worst case of a whole set, so that nobody sends what is being sent."""
    sms_at_once: int = Field(default=256, validation_alias="RINTIS_NOTIFICATION_SMS_AT_ONCE")
    """SMS in flight per sender, mostly in four calls: enough to hide the provider's latency, few enough not to be throttled."""
    sms_claimed: int = Field(default=1_024, validation_alias="RINTIS_NOTIFICATION_SMS_CLAIMED")
    """SMS taken per round: one claim, one look-up of keys and one record serve them all. With 256, two senders on a machine that was busy
    with 300 registrations a second sent 500 a second, and nine in ten waited."""
    sms_senders: int = Field(default=2, validation_alias="RINTIS_NOTIFICATION_SMS_SENDERS")
    """Rounds that overlap in one process, so that one waits for the provider while the other writes."""
    email_at_once: int = Field(default=10, validation_alias="RINTIS_NOTIFICATION_EMAIL_AT_ONCE")
    """Connections to the mail server per sender; mail servers commonly allow 10 to 20 of one client."""
    email_claimed: int = Field(default=30, validation_alias="RINTIS_NOTIFICATION_EMAIL_CLAIMED")
    """E-mails taken per round: three on each connection, which bounds what a kill can leave unknown."""
    email_senders: int = Field(default=2, validation_alias="RINTIS_NOTIFICATION_EMAIL_SENDERS")
    """Rounds that overlap in one process, as with SMS."""
    idle_seconds: float = Field(default=0.25, validation_alias="RINTIS_NOTIFICATION_IDLE_SECONDS")
    """Pause of a sender that found nothing due: adds at most this to a lone message."""
    lost_seconds: float = Field(default=1.0, validation_alias="RINTIS_NOTIFICATION_LOST_SECONDS")
    """How often leases that ran out are looked for; a crash is rare."""
    first_retry_seconds: float = Field(default=2.0, validation_alias="RINTIS_NOTIFICATION_FIRST_RETRY_SECONDS")
    """First pause after a temporary failure: a throttled provider wants seconds, not milliseconds."""
    longest_retry_seconds: float = Field(default=300.0, validation_alias="RINTIS_NOTIFICATION_LONGEST_RETRY_SECONDS")
    """Longest pause: a provider that came back is used again within five minutes."""
    send_attempts: int = Field(default=8, validation_alias="RINTIS_NOTIFICATION_ATTEMPTS")
    """Eight attempts spread over about four minutes; then a person learns of the failure by the message's state."""

    @property
    def roles(self) -> frozenset[str]:
        """Return what this process does."""
        return frozenset(self.roles_text.split(","))

    @property
    def retry(self) -> RetryPolicy:
        """Return when a message is tried again."""
        return RetryPolicy(self.first_retry_seconds, self.longest_retry_seconds, self.send_attempts)

    def at_once(self, channel: Channel) -> int:
        """Return how many messages of a channel one sender may have in flight."""
        return self.sms_at_once if channel is Channel.SMS else self.email_at_once

    def claimed(self, channel: Channel) -> int:
        """Return how many messages of a channel one sender takes at once."""
        return self.sms_claimed if channel is Channel.SMS else self.email_claimed

    @model_validator(mode="after")
    def _lease_outlasts_a_set(self) -> Settings:
        for channel in Channel:
            rows = -(-self.claimed(channel) // self.at_once(channel))
            if rows * PHASES * self.provider_seconds >= self.lease_seconds:
                raise ValueError(
                    f"lease_seconds must exceed {rows * PHASES * self.provider_seconds} s, the longest set of {channel}"
                )
        return self
