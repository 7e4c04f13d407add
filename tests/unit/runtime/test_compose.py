"""The compose file gives PostgreSQL what the servers of one machine get."""

from __future__ import annotations

from typing import Any

import yaml

from rintis.runtime.postgres import SETTINGS
from rintis.runtime.state import ROOT


def test_postgresql_is_set_in_containers_as_it_is_without_them() -> None:
    compose: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
    _, *command = compose["services"]["postgres"]["command"]
    assert command[::2] == ["-c"] * (len(command) // 2)
    # A container's socket is its own.
    wanted = {name: value for name, value in SETTINGS.items() if name != "unix_socket_permissions"}
    assert dict(one.split("=") for one in command[1::2]) == wanted
