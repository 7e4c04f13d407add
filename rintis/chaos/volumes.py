"""File systems of their own, so that a disk can be full without filling anybody else's.

Each is an ext4 file system in one sparse file, mounted by a loop device: only what is used takes room on the disk. Only root may mount.
Where it is not permitted, disks that are full are left out of a plan, and the run says so: a quota needs root too, and a limit on a
process' file size is another fault than a disk without room.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

MEGABYTES = 30_000
"""Far more than a run of 200 faults writes: some ten kilobytes a registration, 300 times a second, for the better part of an hour."""
ROOM_KILOBYTES = 256
"""What is left of a full volume: less than a segment of a journal or of a log needs."""
FILL_TRIES = 50
BLOCK_BYTES = 512
"""The unit of `st_blocks`, whatever the file system's own is."""
FILLER = ".filler"
"""What takes the room away. Kafka looks at directories only."""


class Volume:
    """A file system in a file beside the folder that it is mounted on."""

    def __init__(self, folder: Path, megabytes: int = MEGABYTES) -> None:
        self.folder = folder
        self._megabytes = megabytes
        self._image = folder.with_name(f"{folder.name}.image")

    def mount(self) -> None:
        """Mount the volume over its folder, which is empty so far."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with self._image.open("wb") as image:
            image.truncate(self._megabytes << 20)
        # Without a journal: the machine stays up, only processes are killed.
        _run("mkfs.ext4", "-q", "-F", "-m", "0", "-O", "^has_journal", str(self._image))
        _run("mount", "-o", "loop", str(self._image), str(self.folder))
        (self.folder / "lost+found").rmdir()
        self.folder.chmod(0o711)

    def fill(self) -> None:
        """Take all room but a little away, leaving what is written where it is.

        Servers go on writing meanwhile: what was free a moment ago may be less now, and then is looked at again.
        """
        with (self.folder / FILLER).open("wb") as filler:
            for _ in range(FILL_TRIES):
                taken = os.fstat(filler.fileno()).st_blocks * BLOCK_BYTES
                wanted = taken + shutil.disk_usage(self.folder).free - (ROOM_KILOBYTES << 10)
                if wanted <= taken:
                    return
                with contextlib.suppress(OSError):  # no room: it is full enough, or will be at the next look
                    os.posix_fallocate(filler.fileno(), 0, wanted)

    def free(self) -> None:
        """Give the room back."""
        (self.folder / FILLER).unlink(missing_ok=True)

    def unmount(self) -> None:
        """Take the volume away with everything in it; does nothing where it is not mounted."""
        if self.folder.is_mount():
            _run("umount", "--lazy", str(self.folder))
        self._image.unlink(missing_ok=True)


def can_mount() -> bool:
    """Whether this machine lets us mount a file system of our own, found out by doing it."""
    with tempfile.TemporaryDirectory(prefix="rintis-mount-") as folder:
        volume = Volume(Path(folder) / "volume", megabytes=8)
        try:
            volume.mount()
        except (OSError, subprocess.CalledProcessError):
            return False
        finally:
            volume.unmount()
    return True


def unmount_below(folder: Path) -> None:
    """Take away what a killed run has left mounted below a folder."""
    for line in reversed(Path("/proc/mounts").read_text().splitlines() if Path("/proc/mounts").exists() else []):
        source, place, *_ = line.split()
        if source.startswith("/dev/loop") and Path(place).is_relative_to(folder):
            Volume(Path(place)).unmount()


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)  # noqa: S603 - our own command line
