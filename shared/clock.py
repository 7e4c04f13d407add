"""The one clock of business time. Leases, retries and time-outs use real time and not this."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

JAKARTA = ZoneInfo("Asia/Jakarta")
"""Deadlines of the ministry are stated in WIB, UTC+7, all over the country."""

_FORM = re.compile(r"^(?P<business>[^@]+)@(?P<real>[^*]+)\*(?P<factor>[0-9.]+)$")


@dataclass(frozen=True, slots=True)
class Clock:
    """Business time as an affine map of real time: `business_start + (real - real_start) * factor`.

    By default the two are the same. A demonstration or a test sets them apart; nothing else may.
    """

    business_start: datetime = datetime(1970, 1, 1, tzinfo=UTC)
    real_start: datetime = datetime(1970, 1, 1, tzinfo=UTC)
    factor: float = 1.0

    @classmethod
    def parse(cls, text: str | None) -> Clock:
        """Read `<business start>@<real start>*<factor>`, both ISO 8601 with offset; nothing means real time."""
        if not text:
            return cls()
        match = _FORM.match(text)
        if match is None:
            raise ValueError("RINTIS_CLOCK must look like 2020-05-04T00:00:00Z@2026-01-01T00:00:00Z*3600")
        return cls(
            datetime.fromisoformat(match["business"]).astimezone(UTC),
            datetime.fromisoformat(match["real"]).astimezone(UTC),
            float(match["factor"]),
        )

    def __str__(self) -> str:
        return f"{self.business_start.isoformat()}@{self.real_start.isoformat()}*{self.factor}"

    def now(self) -> datetime:
        """Return the business time now, aware, in UTC."""
        return self.at(datetime.now(UTC))

    def at(self, real: datetime) -> datetime:
        """Return the business time of a real instant, such as the broker's time of a record."""
        if self.factor == 1.0:
            return real + (self.business_start - self.real_start)
        return self.business_start + timedelta(seconds=(real - self.real_start).total_seconds() * self.factor)

    def real(self, business: datetime) -> datetime:
        """Return the real instant at which business time is `business`."""
        return self.real_start + timedelta(seconds=(business - self.business_start).total_seconds() / self.factor)
