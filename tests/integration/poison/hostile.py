"""Twenty-one kinds of hostile record, made from the published example of each consumer's event."""

import dataclasses
import itertools
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast
from uuid import UUID

from services.eligibility import consumers as eligibility
from services.notification import consumers as notification
from services.registration import consumers as registration
from services.reporting import consumers as reporting
from shared.contracts.envelope import derive_id
from shared.messaging import Subscription
from shared.messaging.records import StoredRecord
from tests.integration.messaging.messaging_stage import NOON

EXAMPLES = Path(__file__).parents[3] / "shared" / "contracts" / "examples"
PUBLISHER = "dinas"
NUMBERS = itertools.count(1)
NOBODY: Any = None
"""Subscriptions are asked what they hear, not to do it."""


def subscriptions() -> dict[str, Subscription]:
    """Return what the four services hear, by consumer."""
    found: list[Subscription] = [
        *registration.subscriptions(NOBODY),
        *eligibility.subscriptions(NOBODY),
        *notification.make_subscriptions(NOBODY),
        *reporting.subscriptions(NOBODY),
    ]
    return {subscription.group: subscription for subscription in found}


@dataclass(frozen=True)
class Example:
    """A good event of a consumer, and the field that its key repeats."""

    headers: Mapping[str, str]
    key: str
    data: Mapping[str, Any]

    @property
    def key_field(self) -> str:
        return next(name for name, value in self.data.items() if value == self.key)

    @property
    def texts(self) -> set[str]:
        """What may be personal of it: every text of the data, long enough to be told apart."""
        return {text for text in _texts(self.data) if len(text) > 4}


def example_of(subscription: Subscription) -> Example:
    """Return the published example of the first event that a consumer hears."""
    event = next(iter(subscription.routes))
    raw = json.loads((EXAMPLES / subscription.service / f"{event.TYPE}.json").read_text("utf-8"))
    return Example(raw["headers"], raw["key"], raw["data"])


def good_record(subscription: Subscription, offset: int, *, key: str | None = None, sequence: int = 1) -> StoredRecord:
    """Return a good record of a key of its own, or the next of a key."""
    example, topic = example_of(subscription), subscription.topic
    key = key or new_key()
    data = {**example.data, example.key_field: key}
    headers = {**example.headers, "ce_id": str(derive_id(f"{next(NUMBERS)}", "event", at=NOON))}
    if not topic.is_intake:
        headers["ce_sequence"] = str(sequence)
    name = topic.of(PUBLISHER) if topic.is_intake else topic.name
    pairs = [(header, value.encode()) for header, value in headers.items()]
    return StoredRecord(name, 0, offset, int(NOON.timestamp() * 1000), key.encode(), json.dumps(data).encode(), pairs)


def new_key() -> str:
    """Return a key that nobody has used."""
    return str(derive_id(f"key {next(NUMBERS)}", "key", at=NOON))


Spoil = Callable[[StoredRecord, Example], StoredRecord]


def _header(name: str, value: bytes | None) -> Spoil:
    return lambda record, _: dataclasses.replace(record, headers=[(n, value if n == name else v) for n, v in record.headers])


def _without(name: str) -> Spoil:
    return lambda record, _: dataclasses.replace(record, headers=[(n, v) for n, v in record.headers if n != name])


def _value(value: bytes | None) -> Spoil:
    return lambda record, _: dataclasses.replace(record, value=value)


def _data(change: Callable[[dict[str, Any], str], Any]) -> Spoil:
    def spoil(record: StoredRecord, example: Example) -> StoredRecord:
        data = cast("dict[str, Any]", json.loads(record.value or b""))
        change(data, example.key_field)
        return dataclasses.replace(record, value=json.dumps(data).encode())

    return spoil


def _key(make: Callable[[], bytes | None]) -> Spoil:
    return lambda record, _: dataclasses.replace(record, key=make())


THE_KEY_FIELD = "<key field>"
POISON: Mapping[str, tuple[Spoil, str, str]] = {
    "not JSON": (_value(b"{oops"), "not_json", "body"),
    "empty": (_value(b""), "missing", "body"),
    "null": (_value(None), "missing", "body"),
    "a list": (_value(b"[]"), "schema_model_type", "body"),
    "not UTF-8": (_value(b'{"a": "\xff"}'), "not_json", "body"),
    "a hundred thousand brackets": (_value(b"[" * 100_000), "not_json", "body"),
    "a NUL": (_data(lambda data, _: data.update(note="a\0b")), "nul_character", "body"),
    "no key field": (_data(lambda data, field: data.pop(field)), "schema_missing", THE_KEY_FIELD),
    "an object for a text": (_data(lambda data, field: data.update({field: {"a": 1}})), "schema_", THE_KEY_FIELD),
    "half a million letters": (_data(lambda data, field: data.update({field: "S" * 500_000})), "schema_", THE_KEY_FIELD),
    "no id": (_without("ce_id"), "missing", "ce_id"),
    "a null id": (_header("ce_id", None), "missing", "ce_id"),
    "an id that is not UTF-8": (_header("ce_id", b"\xff\xfe"), "not_utf8", "ce_id"),
    "an id that is too long": (_header("ce_id", b"7" * 201), "malformed", "ce_id"),
    "no source": (_without("ce_source"), "missing", "ce_source"),
    "another specification": (_header("ce_specversion", b"0.3"), "specversion_unknown", "ce_specversion"),
    "a type of somebody else": (_header("ce_type", b"com.example.thing.v1"), "type_unknown", "ce_type"),
    "a time that is none": (_header("ce_time", b"yesterday"), "malformed", "ce_time"),
    "a time without an offset": (_header("ce_time", b"2020-05-11T02:14:09"), "no_offset", "ce_time"),
    "no key": (_key(lambda: None), "missing", "key"),
    "somebody else's key": (_key(lambda: new_key().encode()), "key_mismatch", "key"),
    "a key that is not UTF-8": (_key(lambda: b"\xff\xfe"), "not_utf8", "key"),
}
"""By kind: how a good record is spoiled, the reason it dies for (a prefix where the model's library names the rest), the field."""


def hostile_record(subscription: Subscription, kind: str, offset: int, *, key: str, sequence: int = 1) -> StoredRecord:
    """Return a record of a kind."""
    spoil = POISON[kind][0]
    return spoil(good_record(subscription, offset, key=key, sequence=sequence), example_of(subscription))


def expected_field(subscription: Subscription, kind: str) -> str:
    """Return the field that the reason must name."""
    field = POISON[kind][2]
    return example_of(subscription).key_field if field == THE_KEY_FIELD else field


def _texts(value: Any) -> list[str]:
    if isinstance(value, Mapping):
        return [text for part in value.values() for text in _texts(part)]
    if isinstance(value, list):
        return [text for part in value for text in _texts(part)]
    return [value] if isinstance(value, str) and not _is_id(value) else []


def _is_id(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True
