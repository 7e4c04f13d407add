"""Whether who reads by one JSON Schema can read everything that was written by another.

Structural, over what pydantic makes of our models. Called in both directions: a hearer of today must read what was
published before, and a hearer that is not upgraded yet must read what is published today.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

Schema = Mapping[str, Any]

LOWER_BOUNDS = ("minimum", "exclusiveMinimum", "minLength", "minItems")
UPPER_BOUNDS = ("maximum", "exclusiveMaximum", "maxLength", "maxItems")
EXACT = ("pattern", "format", "uniqueItems")
"""Whether one pattern is wider than another cannot be told by looking: any change counts as a break."""


@dataclass(frozen=True, slots=True)
class _Place:
    """Where in two documents the comparison stands."""

    written_root: Schema
    read_root: Schema
    path: str

    def at(self, step: str) -> _Place:
        return replace(self, path=self.path + step)


def find_breaks(written: Schema, read: Schema) -> list[str]:
    """Return why a reader of `read` cannot take all that fits `written`, one line a reason; nothing where it can."""
    return list(_compare(written, read, _Place(written, read, "$")))


def _compare(written: Schema, read: Schema, place: _Place) -> Iterator[str]:
    written, read = _resolve(written, place.written_root), _resolve(read, place.read_root)
    if "anyOf" in written or "anyOf" in read:
        yield from _compare_branches(written, read, place)
        return
    yield from _compare_type(written, read, place)
    yield from _compare_values(written, read, place)
    yield from _compare_bounds(written, read, place)
    if read.get("type") == "object":
        yield from _compare_fields(written, read, place)
    if read.get("type") == "array":
        yield from _compare(written.get("items", {}), read.get("items", {}), place.at("[]"))


def _resolve(schema: Schema, root: Schema) -> Schema:
    while "$ref" in schema:
        schema = root["$defs"][schema["$ref"].rsplit("/", 1)[1]]
    return schema


def _compare_branches(written: Schema, read: Schema, place: _Place) -> Iterator[str]:
    for branch in written.get("anyOf", [written]):
        if not any(not list(_compare(branch, other, place)) for other in read.get("anyOf", [read])):
            yield f"{place.path}: nothing in the other schema takes {_resolve(branch, place.written_root).get('type', branch)}"


def _compare_type(written: Schema, read: Schema, place: _Place) -> Iterator[str]:
    before, after = written.get("type"), read.get("type")
    is_wider = after is None or before == after or (before == "integer" and after == "number")
    if not is_wider:
        yield f"{place.path}: type {before} is not {after}"


def _compare_values(written: Schema, read: Schema, place: _Place) -> Iterator[str]:
    allowed, used = _values(read), _values(written)
    if allowed is None:
        return
    if used is None:
        yield f"{place.path}: limited to {_listed(allowed)}"
    elif missing := [value for value in used if value not in allowed]:
        yield f"{place.path}: does not take {_listed(missing)}"


def _values(schema: Schema) -> Sequence[Any] | None:
    return [schema["const"]] if "const" in schema else schema.get("enum")


def _listed(values: Sequence[Any]) -> str:
    return ", ".join(str(value) for value in values)


def _compare_bounds(written: Schema, read: Schema, place: _Place) -> Iterator[str]:
    for bound in LOWER_BOUNDS:
        if bound in read and (bound not in written or written[bound] < read[bound]):
            yield f"{place.path}: {bound} {read[bound]} is tighter than {written.get(bound, 'none')}"
    for bound in UPPER_BOUNDS:
        if bound in read and (bound not in written or written[bound] > read[bound]):
            yield f"{place.path}: {bound} {read[bound]} is tighter than {written.get(bound, 'none')}"
    for rule in EXACT:
        if rule in read and read[rule] != written.get(rule):
            yield f"{place.path}: {rule} {read[rule]} is not {written.get(rule, 'none')}"


def _compare_fields(written: Schema, read: Schema, place: _Place) -> Iterator[str]:
    before, after = written.get("properties", {}), read.get("properties", {})
    for name in sorted(set(read.get("required", ())) - set(written.get("required", ()))):
        yield f"{place.path}.{name}: required on one side only"
    if read.get("additionalProperties") is False:
        for name in sorted(set(before) - set(after)):
            yield f"{place.path}.{name}: unknown fields are forbidden"
    for name in before.keys() & after.keys():
        yield from _compare(before[name], after[name], place.at(f".{name}"))
