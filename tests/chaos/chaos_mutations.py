"""Systems that break their promises on purpose, run from a copy of the source."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from rintis.runtime.state import ROOT

PATCHES = Path(__file__).parent / "mutations"
PACKAGES = ("rintis", "services", "shared", "simulators", "policies")
IGNORED = shutil.ignore_patterns("__pycache__", "*.pyc")


def copy_source(into: Path, mutation: str | None = None) -> dict[str, str]:
    """Copy the source, change it where a mutation is named, and return the variables that run a process from the copy."""
    for package in PACKAGES:
        shutil.copytree(ROOT / package, into / package, ignore=IGNORED)
    if mutation is not None:
        patch = PATCHES / f"{mutation}.patch"
        # One line of context is enough: edits nearby must not cost us the proof.
        done = _run(["git", "apply", "-C1", str(patch)], cwd=into)
        assert done.returncode == 0, f"{patch.name} does not apply any more; write it anew for the source as it is: {done.stderr}"
    # The services' working folder is the source's own: without a safe path it would come before the copy.
    variables = {"PYTHONPATH": str(into), "PYTHONSAFEPATH": "1"}
    where = [sys.executable, "-c", "import shared.messaging.pipeline as module; print(module.__file__)"]
    found = _run(where, cwd=ROOT, env=variables)
    assert Path(found.stdout.strip()).is_relative_to(into), f"services would not run from the copy: {found}"
    return variables


def _run(command: list[str], **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False, **options)  # noqa: S603 - our own commands
