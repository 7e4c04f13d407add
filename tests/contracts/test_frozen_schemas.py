"""Frozen schemas: in step with the models, and never overwritten by a change that breaks others."""

from pathlib import Path

import pytest
from pydantic import BaseModel
from typer.testing import CliRunner

from rintis.contracts import __main__ as command
from rintis.contracts import schemas
from rintis.contracts.schemas import FREEZE, current_models, find_drift, freeze
from shared.contracts.registration import WorkerRegistered
from shared.contracts.registry import BY_PUBLISHER, EVENTS, TOPICS

NAME = WorkerRegistered.TYPE


class Grown(WorkerRegistered):
    district: str | None = None


class Broken(WorkerRegistered):
    district: str


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    freeze({NAME: WorkerRegistered}, tmp_path)
    return tmp_path


def test_every_model_is_what_was_frozen() -> None:
    assert [line for drift in find_drift(current_models()) for line in drift.lines()] == []


def test_a_model_without_a_frozen_schema_fails_with_the_command_to_run(tmp_path: Path) -> None:
    (drift,) = find_drift({NAME: WorkerRegistered}, tmp_path)
    assert FREEZE in drift.remedy


def test_a_grown_model_is_frozen_anew(folder: Path) -> None:
    assert freeze({NAME: Grown}, folder) == ([NAME], [])
    assert find_drift({NAME: Grown}, folder) == []


def test_a_broken_model_is_refused_and_the_frozen_file_stays(folder: Path) -> None:
    before = (folder / f"{NAME}.json").read_text()
    written, (refused,) = freeze({NAME: Broken}, folder)
    assert written == []
    assert refused.breaks == ("what was published before can no longer be read: $.district: required on one side only",)
    assert (folder / f"{NAME}.json").read_text() == before


def test_an_event_that_is_gone_is_named(folder: Path) -> None:
    (drift,) = find_drift({}, folder)
    assert drift.name == NAME


def test_check_exits_one_and_names_the_field_when_a_model_is_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    broken: dict[str, type[BaseModel]] = {**current_models(), NAME: Broken}
    monkeypatch.setattr(command, "current_models", lambda: broken)
    result = CliRunner().invoke(command.app, ["check"])
    assert result.exit_code == 1
    assert "$.district" in result.output


def test_check_exits_zero_when_all_is_in_step() -> None:
    assert CliRunner().invoke(command.app, ["check"]).exit_code == 0


def test_freeze_writes_only_into_its_folder() -> None:
    assert {path.stem for path in schemas.FROZEN.glob("*.json")} == set(current_models())


def test_every_event_has_a_known_topic_and_a_type_of_its_own() -> None:
    declared = [event for events in BY_PUBLISHER.values() for event in events]
    assert len(declared) == len(EVENTS)
    assert {event.TOPIC for event in declared} == set(TOPICS)
