import os
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from rintis.chaos.volumes import FILLER, ROOM_KILOBYTES, Volume

MEGABYTE = 1 << 20


def test_a_disk_is_filled_though_its_server_takes_room_meanwhile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    room = 3 * MEGABYTE
    filler, really = tmp_path / FILLER, os.posix_fallocate

    def free(_: Path) -> SimpleNamespace:
        return SimpleNamespace(free=room - filler.stat().st_blocks * 512)

    def allocate(tell: Callable[[], None]) -> Callable[[int, int, int], None]:
        def allocated(file: int, start: int, size: int) -> None:
            tell()
            if size > room:
                raise OSError(28, "No space left on device")
            really(file, start, size)

        return allocated

    def write() -> None:
        nonlocal room
        room = min(room, 2 * MEGABYTE)

    monkeypatch.setattr(shutil, "disk_usage", free)
    monkeypatch.setattr(os, "posix_fallocate", allocate(write))
    Volume(tmp_path).fill()
    assert filler.stat().st_size == 2 * MEGABYTE - (ROOM_KILOBYTES << 10)
    Volume(tmp_path).free()
    assert not filler.exists()
