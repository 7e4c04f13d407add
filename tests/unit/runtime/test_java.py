from pathlib import Path

import pytest

from rintis.runtime import java
from rintis.runtime.errors import CannotStart


def a_java(folder: Path, says: str) -> Path:
    program = folder / "bin" / "java"
    program.parent.mkdir(parents=True)
    program.write_text(f"#!/bin/sh\necho '{says}' >&2\n")
    program.chmod(0o755)
    return program


@pytest.mark.parametrize(
    ("says", "version"),
    [
        ('openjdk version "21.0.5" 2024-10-15', 21),
        ('openjdk version "17" 2021-09-14', 17),
        ('java version "1.8.0_392"', 8),
        ("not a java", 0),
    ],
)
def test_version_is_read_in_the_old_and_the_new_numbering(tmp_path: Path, says: str, version: int) -> None:
    assert java.java_version(a_java(tmp_path, says)) == version


def test_java_home_that_is_too_old_gives_way_to_the_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old, new = a_java(tmp_path / "old", 'version "11.0.1"'), a_java(tmp_path / "new", 'version "25.0.1"')
    monkeypatch.setenv("JAVA_HOME", str(old.parent.parent))
    monkeypatch.setenv("PATH", f"{new.parent}:/usr/bin:/bin")
    assert java.find_java() == new


def test_the_error_names_what_was_found_and_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = a_java(tmp_path, 'version "11.0.1"')
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    monkeypatch.setenv("PATH", "/usr/nowhere:/bin")
    monkeypatch.setattr("shutil.which", lambda _name: None)
    monkeypatch.setattr(java, "_from_wheel", lambda: None)
    with pytest.raises(CannotStart, match=rf"{old} \(version 11\)[\s\S]*requirements/java.txt"):
        java.find_java()
