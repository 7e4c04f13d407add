import hashlib
from pathlib import Path

import pytest

from rintis.runtime import jars
from rintis.runtime.errors import CannotStart
from rintis.runtime.progress import Steps


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the two jars that are pinned here."""
    contents = {"kafka.jar": b"broker", "scala.jar": b"library"}
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    digests = {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}
    monkeypatch.setattr(jars, "pinned", lambda: digests)
    return tmp_path


def test_jars_as_pinned_are_taken_without_a_download(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jars, "_resolve", lambda *_: pytest.fail("the network was asked"))
    assert jars.kafka_jars(Steps(quiet=True), folder) == folder


def test_a_tampered_jar_is_refused_by_name(folder: Path) -> None:
    (folder / "scala.jar").write_bytes(b"something else")
    with pytest.raises(CannotStart, match=r"scala\.jar"):
        jars.verify(folder)


def test_a_jar_that_is_not_pinned_is_refused(folder: Path) -> None:
    (folder / "stranger.jar").write_bytes(b"x")
    with pytest.raises(CannotStart, match=r"stranger\.jar"):
        jars.verify(folder)


def test_a_missing_jar_is_refused(folder: Path) -> None:
    (folder / "kafka.jar").unlink()
    with pytest.raises(CannotStart, match=r"kafka\.jar"):
        jars.verify(folder)


def test_a_tampered_download_leaves_no_folder_behind(
    folder: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "kafka.jar").write_bytes(b"tampered on the way")
    monkeypatch.setattr(jars, "_resolve", lambda *_: sorted(folder.glob("*.jar")))
    target = tmp_path_factory.mktemp("cache") / "kafka"
    with pytest.raises(CannotStart, match=r"kafka\.jar"):
        jars.kafka_jars(Steps(quiet=True), target)
    assert list(target.parent.iterdir()) == []


def test_the_committed_list_pins_the_broker_and_its_client() -> None:
    pinned = jars.pinned()
    assert {f"kafka_2.13-{jars.KAFKA_VERSION}.jar", f"kafka-clients-{jars.KAFKA_VERSION}.jar"} <= pinned.keys()
    assert all(len(digest) == 64 for digest in pinned.values())
