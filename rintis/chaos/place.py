"""Where the system under test can be reached: what a load and an oracle need to know of it, and nothing more."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol


class Place(Protocol):
    """Addresses of a running system. Load and oracle go to its servers directly, never by the way that faults are put into."""

    @property
    def bootstrap(self) -> str:
        """Where Kafka is."""

    @property
    def databases(self) -> Mapping[str, str]:
        """The address of each service's database, by service."""

    @property
    def received(self) -> Mapping[str, Path]:
        """The files of what the simulators `sms` and `smtp` really took."""

    @property
    def http(self) -> Mapping[str, str]:
        """The address of a service's HTTP door, by service."""

    @property
    def tokens(self) -> Mapping[str, str]:
        """Bearer tokens by publisher."""
