"""Frozen JSON Schemas: one file per event type and per sealed box, beside the models they were made from."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from rintis.contracts.compatibility import find_breaks
from shared.contracts.registry import BOXES, EVENTS

ROOT = Path(__file__).resolve().parents[2]
FROZEN = ROOT / "shared" / "contracts" / "schemas"
FREEZE = "python -m rintis.contracts freeze"
"""The command to run where a file is only behind its model."""


@dataclass(frozen=True, slots=True)
class Drift:
    """How one frozen schema and its model differ. `breaks` is empty where the new model may take the file's place."""

    name: str
    remedy: str
    breaks: tuple[str, ...] = ()

    def lines(self) -> Iterator[str]:
        """Yield what to tell the person who changed the model."""
        yield f"{self.name}: {self.remedy}"
        yield from (f"  {line}" for line in self.breaks)


def current_models() -> dict[str, type[BaseModel]]:
    """Return every model whose shape is a contract, by the name of its frozen file."""
    return {**EVENTS, **{f"id.rintis.box.{name}.v1": model for name, model in BOXES.items()}}


def render(model: type[BaseModel]) -> str:
    """Return a model's schema as it is frozen: stable order, one line per key, so that a change reads well in a diff."""
    return json.dumps(model.model_json_schema(), indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def find_drift(models: Mapping[str, type[BaseModel]], folder: Path = FROZEN) -> list[Drift]:
    """Return every difference between models and frozen files, by name."""
    stray = [
        Drift(path.stem, f"its event is gone; hearers may still meet it. Bring the model back, or retire {path.name} by an ADR.")
        for path in sorted(folder.glob("*.json"))
        if path.stem not in models
    ]
    return [*stray, *(drift for name, model in sorted(models.items()) if (drift := _compare(name, model, folder)))]


def freeze(models: Mapping[str, type[BaseModel]], folder: Path = FROZEN) -> tuple[list[str], list[Drift]]:
    """Write what is new or only grown, and return those names, and what was refused: an incompatible file stays as it is."""
    folder.mkdir(parents=True, exist_ok=True)
    drifts = find_drift(models, folder)
    written = [drift.name for drift in drifts if drift.name in models and not drift.breaks]
    for name in written:
        (folder / f"{name}.json").write_text(render(models[name]), encoding="utf-8")
    return written, [drift for drift in drifts if drift.name not in written]


def _compare(name: str, model: type[BaseModel], folder: Path) -> Drift | None:
    path = folder / f"{name}.json"
    if not path.exists():
        return Drift(name, f"not frozen yet. Run `{FREEZE}`.")
    text = path.read_text(encoding="utf-8")
    if text == render(model):
        return None
    breaks = _both_ways(json.loads(text), model.model_json_schema())
    if not breaks:
        return Drift(name, f"the model has grown. Run `{FREEZE}`.")
    return Drift(name, "the change breaks others. Keep this version and add the next one beside it (…V2, `.v2`).", breaks)


def _both_ways(frozen: Mapping[str, Any], current: Mapping[str, Any]) -> tuple[str, ...]:
    backward = [f"what was published before can no longer be read: {line}" for line in find_breaks(frozen, current)]
    forward = [f"who is not upgraded cannot read the new: {line}" for line in find_breaks(current, frozen)]
    return (*backward, *forward)
