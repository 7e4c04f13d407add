"""Examples, one per event and hearing service, and the CloudEvents binding as the SDK reads it."""

import json
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest
from cloudevents.core.bindings.kafka import KafkaMessage, from_binary
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent

from rintis.contracts.examples import Example, expected_files, find_faults, load_examples
from shared.contracts.envelope import SPEC_VERSION, Envelope, headers_of

EXAMPLES = load_examples()


def named(example: Example) -> str:
    return f"{example.service}:{example.event.TYPE}"


def test_there_is_one_valid_example_per_event_and_hearing_service() -> None:
    assert find_faults() == []
    assert len(EXAMPLES) == len(expected_files())


def test_a_missing_example_and_a_stray_one_are_named(tmp_path: Path) -> None:
    (tmp_path / "registration").mkdir()
    (tmp_path / "registration" / "id.rintis.unheard.of.v1.json").write_text("{}")
    faults = find_faults(tmp_path)
    assert len(faults) == len(expected_files(tmp_path)) + 1
    assert any("nobody hears this" in fault for fault in faults)


@pytest.mark.parametrize("example", EXAMPLES, ids=named)
def test_the_event_comes_back_the_same_from_its_json(example: Example) -> None:
    event = example.event.model_validate_json(json.dumps(example.data))
    assert example.event.model_validate_json(event.model_dump_json()) == event
    assert event.key() == example.key


@pytest.mark.parametrize("example", EXAMPLES, ids=named)
def test_a_field_from_a_newer_publisher_is_ignored(example: Example) -> None:
    newer = example.data | {"field_of_tomorrow": {"any": "thing"}}
    assert example.event.model_validate(newer) == example.event.model_validate(example.data)


@pytest.mark.parametrize("example", EXAMPLES, ids=named)
def test_the_cloudevents_sdk_reads_the_headers_that_we_write(example: Example) -> None:
    envelope = Envelope(
        id=example.headers["ce_id"],
        source=example.headers["ce_source"],
        type=example.event.TYPE,
        time=datetime.fromisoformat(example.headers["ce_time"]),
        sequence=7,
        subject=example.key,
    )
    headers = dict(headers_of(envelope))
    message = KafkaMessage(headers=headers, key=example.key.encode(), value=json.dumps(example.data).encode())
    read = from_binary(message, JSONFormat(), CloudEvent)
    assert (read.get_id(), read.get_source(), read.get_type()) == (envelope.id, envelope.source, envelope.type)
    assert (read.get_specversion(), read.get_subject(), read.get_time()) == (SPEC_VERSION, envelope.subject, envelope.time)
    assert read.get_extension("sequence") == "7"
    assert read.get_data() == example.data


def test_times_travel_in_utc_whatever_zone_they_were_made_in() -> None:
    moment = datetime.fromisoformat("2020-05-11T09:14:09+07:00")
    headers = dict(headers_of(Envelope(str(UUID(int=1)), "/rintis/registration", "id.rintis.x.v1", moment)))
    assert headers["ce_time"] == b"2020-05-11T02:14:09Z"
    assert moment.astimezone(UTC).hour == 2
