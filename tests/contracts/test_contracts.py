import json
import shutil
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest
from cloudevents.core.bindings.kafka import KafkaMessage, from_kafka
from cloudevents.core.formats.json import JSONFormat
from pydantic import BaseModel, create_model

from rintis.contracts.asyncapi import is_current, render_document
from rintis.contracts.compatibility import find_breaks
from rintis.contracts.examples import EXAMPLES, find_faults, load_examples
from rintis.contracts.schemas import FROZEN, current_models, find_drift, freeze
from shared.clock import Clock
from shared.contracts.envelope import Envelope, headers_of
from shared.contracts.registration import RegistrationRefused
from shared.contracts.registry import EVENTS, events_on, topic_of
from shared.contracts.topics import ALL
from shared.messaging.records import Reader, StoredRecord

NOON = datetime(2020, 5, 11, 5, tzinfo=UTC)


def test_models_and_frozen_schemas_are_in_step() -> None:
    assert find_drift(current_models()) == []


def test_every_hearer_has_an_example_of_every_event_it_hears() -> None:
    assert find_faults() == []


@pytest.mark.parametrize("example", load_examples(), ids=lambda example: f"{example.service}-{example.event.__name__}")
def test_an_example_is_read_by_its_hearer_as_it_comes_from_kafka(example) -> None:  # type: ignore[no-untyped-def]  # parametrised
    topic = topic_of(example.event)
    reader = Reader({example.event.TYPE: example.event}, is_intake=topic.is_intake, clock=Clock())
    headers = [(name, value.encode()) for name, value in example.headers.items()]
    name = topic.of("kemnaker") if topic.is_intake else topic.name
    record = StoredRecord(
        name, 0, 0, int(NOON.timestamp() * 1000), example.key.encode(), json.dumps(example.data).encode(), headers
    )

    reading = reader.read(record)

    assert reading.received is not None
    assert reading.received.event == example.event.model_validate(example.data)


@pytest.mark.parametrize("event", EVENTS.values(), ids=lambda event: event.__name__)
def test_an_event_survives_its_own_json(event) -> None:  # type: ignore[no-untyped-def]  # parametrised
    example = next(example for example in load_examples() if example.event is event)
    original = event.model_validate(example.data)

    assert event.model_validate_json(original.model_dump_json()) == original
    assert original.key() == example.key


def test_the_envelope_is_read_by_the_sdk_of_cloudevents() -> None:
    envelope = Envelope(str(uuid4()), "/rintis/registration", RegistrationRefused.TYPE, NOON, 7, "reference")
    event = from_kafka(KafkaMessage(dict(headers_of(envelope)), b"reference", b'{"reasons": []}'), JSONFormat())

    attributes = event.get_attributes()
    assert (event.get_id(), event.get_type(), event.get_source(), event.get_time()) == (
        envelope.id,
        envelope.type,
        envelope.source,
        envelope.time,
    )
    assert attributes["sequence"] == "7"
    assert event.get_data() == {"reasons": []}


def test_the_asyncapi_document_is_the_one_that_the_models_give() -> None:
    assert is_current()
    text = render_document()
    assert all(f"{type_}:" in text for type_ in EVENTS)


@pytest.mark.parametrize("topic", ALL, ids=lambda topic: topic.name)
def test_a_topic_has_owner_key_retention_hearers_and_events(topic) -> None:  # type: ignore[no-untyped-def]  # parametrised
    assert topic.publisher
    assert topic.key
    assert topic.hearers
    assert int(topic.config()["retention.ms"]) > 0
    assert events_on(topic)


def changed(model: type[BaseModel], **fields: object) -> dict[str, type[BaseModel]]:
    """Return the models with one of them changed."""
    other = create_model(model.__name__, __base__=model, **fields)  # type: ignore[call-overload]  # fields by name
    return {**current_models(), RegistrationRefused.TYPE: other}


def test_a_new_field_that_hearers_need_breaks_the_contract_and_is_not_frozen(tmp_path: Path) -> None:
    shutil.copytree(FROZEN, tmp_path, dirs_exist_ok=True)
    models = changed(RegistrationRefused, urgency=(int, ...))

    written, refused = freeze(models, tmp_path)

    assert (written, [drift.name for drift in refused]) == ([], [RegistrationRefused.TYPE])
    assert any("urgency" in line for line in refused[0].breaks)


def test_a_new_field_that_may_be_absent_is_frozen_on_request_and_noticed_until_then(tmp_path: Path) -> None:
    shutil.copytree(FROZEN, tmp_path, dirs_exist_ok=True)
    models = changed(RegistrationRefused, remark=(str, ""))

    assert [drift.breaks for drift in find_drift(models, tmp_path)] == [()]
    assert freeze(models, tmp_path) == ([RegistrationRefused.TYPE], [])
    assert find_drift(models, tmp_path) == []


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ({"type": "string"}, {"type": "integer"}),
        ({"type": "string", "maxLength": 200}, {"type": "string", "maxLength": 100}),
        ({"type": "string", "enum": ["a", "b"]}, {"type": "string", "enum": ["a"]}),
        ({"type": "integer", "minimum": 0}, {"type": "integer", "minimum": 1}),
        ({"type": "object", "properties": {}}, {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}),
    ],
)
def test_what_a_reader_cannot_take_is_a_break(written: dict[str, object], read: dict[str, object]) -> None:
    assert find_breaks(written, read)
    assert find_breaks(read, read) == []


def test_a_missing_example_is_named(tmp_path: Path) -> None:
    shutil.copytree(EXAMPLES, tmp_path, dirs_exist_ok=True)
    gone = next(tmp_path.glob("eligibility/*.json"))
    gone.unlink()

    assert any(gone.name in fault for fault in find_faults(tmp_path))
