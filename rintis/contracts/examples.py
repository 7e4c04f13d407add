"""Example records: one file per event and hearing service, `examples/<service>/<type>.json` with headers, key and data."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from rintis.contracts.schemas import ROOT
from shared.contracts.envelope import Event
from shared.contracts.registry import EVENTS, topic_of

EXAMPLES = ROOT / "shared" / "contracts" / "examples"
NEEDED_HEADERS = ("content-type", "ce_specversion", "ce_type", "ce_source", "ce_id", "ce_time")


@dataclass(frozen=True, slots=True)
class Example:
    """One record as a hearer meets it."""

    service: str
    event: type[Event]
    headers: dict[str, str]
    key: str
    data: dict[str, Any]


def expected_files(folder: Path = EXAMPLES) -> dict[Path, tuple[str, type[Event]]]:
    """Return the path of every example there must be, with its hearing service and event."""
    return {
        folder / service / f"{event.TYPE}.json": (service, event)
        for event in EVENTS.values()
        for service in topic_of(event).hearers
    }


def load_examples(folder: Path = EXAMPLES) -> list[Example]:
    """Return every example that is there."""
    return [_load(path, *about) for path, about in expected_files(folder).items() if path.exists()]


def find_faults(folder: Path = EXAMPLES) -> list[str]:
    """Return what is wrong with the example files: missing, left over, or not what their event asks for."""
    expected = expected_files(folder)
    missing = [
        f"{path.relative_to(folder)}: write this example; `{about[1].__name__}` is new here"
        for path, about in expected.items()
        if not path.exists()
    ]
    stray = [f"{path.relative_to(folder)}: nobody hears this" for path in sorted(folder.glob("*/*.json")) if path not in expected]
    wrong = [
        f"{example.service}/{example.event.TYPE}.json: {fault}" for example in load_examples(folder) for fault in _check(example)
    ]
    return [*missing, *stray, *wrong]


def _load(path: Path, service: str, event: type[Event]) -> Example:
    content = json.loads(path.read_text(encoding="utf-8"))
    return Example(service, event, content["headers"], content["key"], content["data"])


def _check(example: Example) -> Iterator[str]:
    yield from (f"header {name} is missing" for name in NEEDED_HEADERS if name not in example.headers)
    if example.headers.get("ce_type") != example.event.TYPE:
        yield "ce_type is another event's"
    if not topic_of(example.event).is_intake and "ce_sequence" not in example.headers:
        yield "header ce_sequence is missing"
    yield from (
        f"data.{name} is unknown to the event" for name in sorted(example.data.keys() - example.event.model_fields.keys())
    )
    try:
        event = example.event.model_validate(example.data)
    except ValidationError as error:
        yield from (f"data.{'.'.join(str(step) for step in fault['loc'])}: {fault['msg']}" for fault in error.errors())
        return
    if event.key() != example.key:
        yield "key is not what the event is keyed by"
