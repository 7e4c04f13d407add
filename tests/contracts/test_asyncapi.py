"""The AsyncAPI document: in step with the models, complete, and closed (every reference leads somewhere)."""

from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from rintis.contracts.asyncapi import DOCUMENT, build_document, is_current, render_document
from shared.contracts.registry import EVENTS, events_on
from shared.contracts.topics import ALL, INTAKE, Topic


def references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for value in node.values():
            yield from references(value)
    if isinstance(node, list):
        for value in node:
            yield from references(value)


def test_the_kept_document_is_what_the_models_say() -> None:
    assert is_current()
    assert yaml.safe_load(DOCUMENT.read_text()) == build_document()


def test_the_text_has_no_aliases_that_other_tools_stumble_over() -> None:
    assert "&id" not in render_document()


def test_every_reference_leads_somewhere() -> None:
    document = build_document()
    for reference in references(document):
        node: Any = document
        for step in reference.removeprefix("#/").split("/"):
            assert step in node, reference
            node = node[step]


def test_every_event_is_a_message_of_its_channel_with_an_example() -> None:
    messages = build_document()["components"]["messages"]
    assert set(messages) == set(EVENTS)
    assert all(message["examples"] for message in messages.values())


@pytest.mark.parametrize("topic", ALL, ids=lambda topic: topic.name)
def test_each_topic_states_owner_key_retention_and_hearers(topic: Topic) -> None:
    channel = build_document()["channels"][topic.name]
    assert channel["x-owner"] == topic.publisher != ""
    assert channel["x-key"] == topic.key != ""
    assert channel["x-retention-days"] > 0
    assert channel["x-heard-by"] == list(topic.hearers) != []
    assert set(channel["messages"]) == {event.TYPE for event in events_on(topic)} != set()


@pytest.mark.parametrize("topic", INTAKE, ids=lambda topic: topic.name)
def test_an_intake_channel_is_one_address_per_publisher_and_asks_for_no_sequence(topic: Topic) -> None:
    document = build_document()
    assert document["channels"][topic.name]["address"].endswith(".{publisher}")
    for event in events_on(topic):
        assert "ce_sequence" not in document["components"]["messages"][event.TYPE]["headers"]["required"]
