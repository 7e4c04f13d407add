"""Kafka's released jars: fetched once from Maven Central, checked against pinned digests at every start.

The list of digests is the lock file: a jar that is not on it, or whose content differs, is never given to Java.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from rintis.runtime.errors import CannotStart
from rintis.runtime.progress import Steps

KAFKA_VERSION = "4.3.1"
PINNED = Path(__file__).with_name(f"kafka-{KAFKA_VERSION}.sha256")
"""One line a jar: SHA-256, two blanks, file name; the format of `sha256sum`."""
ARTIFACTS = (
    ("org.apache.kafka", "kafka_2.13", KAFKA_VERSION),
    ("org.apache.kafka", "kafka-tools", KAFKA_VERSION),
    ("org.slf4j", "slf4j-nop", "1.7.36"),
)
"""The broker, its command-line tools, and the logging back end that writes nothing: the broker logs by log4j."""
DOWNLOADS_AT_ONCE = 6
"""The jars are many and most are small: waiting for answers is what takes the time."""
TIMEOUT_SECONDS = 60
"""For one answer of the repository; a slow line may need it for the largest jar's first byte."""
EXPECTED_BYTES = 58_500_000
"""Of all jars and their descriptions, for the progress bar only."""


def cache_folder() -> Path:
    """Return the folder for downloads: $RINTIS_CACHE, else ~/.cache/rintis. It outlives checkouts."""
    return Path(os.environ.get("RINTIS_CACHE") or Path.home() / ".cache" / "rintis").resolve()


def pinned() -> dict[str, str]:
    """Return each jar's file name with its digest."""
    rows = (line.split() for line in PINNED.read_text(encoding="ascii").splitlines())
    return {name: digest for digest, name in rows}


def kafka_jars(steps: Steps, folder: Path | None = None) -> Path:
    """Return a folder that holds exactly Kafka's pinned jars, downloading them on the first call of a machine.

    Raises:
        CannotStart: where a jar is not what its digest says, or the download fails.
    """
    folder = folder or cache_folder() / f"kafka-{KAFKA_VERSION}"
    if not folder.exists():
        _download(folder, steps)
    verify(folder)
    return folder


def verify(folder: Path) -> None:
    """Compare a folder's jars with the pinned digests; 0.3 s for all of them.

    Raises:
        CannotStart: which names the jars that are missing, added or changed.
    """
    expected = pinned()
    found = {jar.name: hashlib.sha256(jar.read_bytes()).hexdigest() for jar in folder.glob("*.jar")}
    wrong = sorted(name for name in expected.keys() | found.keys() if expected.get(name) != found.get(name))
    if wrong:
        raise CannotStart(
            f"{len(wrong)} of Kafka's jars in {folder} are not the ones that were pinned: {', '.join(wrong[:5])}.",
            f"They are not used. Delete {folder} to have them fetched again; if that does not help, do not trust the download.",
        )


def _download(folder: Path, steps: Steps) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix="download-") as scratch:
        jars = Path(scratch) / "jars"
        jars.mkdir()
        for jar in _resolve(Path(scratch), steps):
            shutil.copyfile(jar, jars / jar.name)
        verify(jars)
        try:
            # Renaming is one step: a start that is killed here leaves no half-filled folder behind.
            jars.rename(folder)
        except OSError:
            if not folder.exists():  # else another start was faster, and its folder is as good
                raise


def _resolve(scratch: Path, steps: Steps) -> list[Path]:
    """Download the artifacts and everything they need at run time; no Java is needed for it."""
    from jgo.maven import Dependency, MavenContext, PythonResolver  # noqa: PLC0415 - a quarter of a second, once per machine
    from requests import RequestException  # noqa: PLC0415 - what jgo raises where there is no network

    with steps.downloads(f"Downloading Kafka {KAFKA_VERSION} from Maven Central", EXPECTED_BYTES) as downloads:
        resolver = PythonResolver(progress_callback=downloads.file)
        context = MavenContext(repo_cache=scratch / "repository", resolver=resolver, timeout=TIMEOUT_SECONDS)
        wanted = [Dependency(context.project(group, name).at_version(version).artifact()) for group, name, version in ARTIFACTS]
        try:
            named, needed = resolver.resolve(wanted)
            with ThreadPoolExecutor(DOWNLOADS_AT_ONCE) as threads:
                return list(threads.map(lambda dependency: Path(dependency.artifact.resolve()), [*named, *needed]))
        except (RequestException, RuntimeError) as error:
            raise CannotStart(
                f"Kafka's jars could not be fetched: {error}",
                "The first start needs Maven Central; or point KAFKA_BOOTSTRAP_SERVERS at a Kafka that runs already.",
            ) from error
