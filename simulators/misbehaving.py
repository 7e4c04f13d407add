"""What every simulator that can be told to misbehave has in common."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any


@dataclass(slots=True)
class Misbehaving:
    """How a simulator misbehaves, until told otherwise. Counts are used up one by one."""

    slow_seconds: float = 0.0
    """Pause before every answer; the message is taken before the pause."""
    fail_next: int = 0
    """So many messages are answered with an error and not taken."""
    hang_next: int = 0
    """So many messages are taken, and answered only after `hang_seconds`."""
    hang_seconds: float = 60.0
    """Longer than any client waits."""

    def change(self, changes: Mapping[str, Any]) -> None:
        """Set what is named; raises ValueError for a name that is not a behaviour."""
        unknown = set(changes) - {field.name for field in fields(self)}
        if unknown:
            raise ValueError(f"no such behaviour: {', '.join(sorted(unknown))}")
        for name, value in changes.items():
            setattr(self, name, value)

    def use_up(self, name: str) -> bool:
        """Return whether this message is one of a counted few."""
        left: int = getattr(self, name)
        if left > 0:
            setattr(self, name, left - 1)
        return left > 0
