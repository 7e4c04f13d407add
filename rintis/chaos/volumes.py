"""Small file systems in memory, so that a disk can be full without filling anybody else's.

Only root may mount. Where it is not permitted, disks that are full are left out of a plan, and the run says so: a quota
needs root too, and a limit on a process' file size is another fault than a disk without room.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

MEGABYTES = 6_000
"""Far more than a run of 200 faults writes; only what is used takes memory."""
ROOM_KILOBYTES = 256
"""What is left of a full volume: less than a segment of a journal or of a log needs."""


class Volume:
    """A file system in memory, mounted on one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def mount(self) -> None:
        """Mount the volume over its folder, which is empty so far."""
        self.folder.mkdir(parents=True, exist_ok=True)
        _run("mount", "-t", "tmpfs", "-o", f"size={MEGABYTES}m,mode=0711", "rintis-chaos", str(self.folder))

    def fill(self) -> None:
        """Take all room but a little away, leaving what is written where it is."""
        used = shutil.disk_usage(self.folder).used // 1024
        self._resize(f"{used + ROOM_KILOBYTES}k")

    def free(self) -> None:
        """Give the room back."""
        self._resize(f"{MEGABYTES}m")

    def unmount(self) -> None:
        """Take the volume away with everything in it; does nothing where it is not mounted."""
        if self.folder.is_mount():
            _run("umount", "--lazy", str(self.folder))

    def _resize(self, size: str) -> None:
        _run("mount", "-o", f"remount,size={size}", str(self.folder))


def can_mount() -> bool:
    """Whether this machine lets us mount a file system in memory, found out by doing it."""
    with tempfile.TemporaryDirectory(prefix="rintis-mount-") as folder:
        try:
            _run("mount", "-t", "tmpfs", "-o", "size=64k", "rintis-chaos", folder)
        except (OSError, subprocess.CalledProcessError):
            return False
        _run("umount", folder)
    return True


def unmount_below(folder: Path) -> None:
    """Take away what a killed run has left mounted below a folder."""
    for line in reversed(Path("/proc/mounts").read_text().splitlines() if Path("/proc/mounts").exists() else []):
        source, place, *_ = line.split()
        if source == "rintis-chaos" and Path(place).is_relative_to(folder):
            Volume(Path(place)).unmount()


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)  # noqa: S603 - our own command line
