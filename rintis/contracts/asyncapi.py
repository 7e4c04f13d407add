"""The AsyncAPI 3 document, built from models, topics and examples. Nobody writes it by hand, so it cannot be out of step."""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from typing import Any

import yaml
from pydantic.json_schema import models_json_schema

from rintis.contracts.examples import Example, load_examples
from rintis.contracts.schemas import ROOT
from shared.contracts.envelope import JSON, SPEC_VERSION, Event
from shared.contracts.registry import EVENTS, events_on, topic_of
from shared.contracts.topics import ALL, DAY_MS, Topic, reader_of

DOCUMENT = ROOT / "docs" / "asyncapi.yaml"
KAFKA_BINDING = "0.5.0"
SCHEMAS = "#/components/schemas/"
NOTICE = "# Built by `python -m rintis.contracts freeze` from shared/contracts; changes by hand are lost.\n"
ABOUT = """\
Events of Rintis, the event backbone for laid-off workers' registrations and the supervision of IOMKI permits.

CloudEvents 1.0 on Kafka in binary mode: attributes in `ce_*` headers, JSON data in the value. Keys are opaque ids. What
says who somebody is or what they lived through lies in sealed boxes only. Topics under `intake.` are the ones that other
systems write, each publisher its own (see publish.md); all others are ours to write.
"""


def build_document() -> dict[str, Any]:
    """Return the whole document as plain data."""
    examples = {example.event: example for example in reversed(load_examples())}
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "Rintis", "version": "1.0.0", "description": ABOUT, "license": {"name": "Apache-2.0"}},
        "defaultContentType": JSON,
        "servers": {"kafka": _server()},
        "channels": {topic.name: _channel(topic) for topic in ALL},
        "operations": {name: operation for topic in ALL for name, operation in _operations(topic)},
        "components": {
            "messages": {event.TYPE: _message(event, examples.get(event)) for event in EVENTS.values()},
            "schemas": _schemas(EVENTS.values()),
        },
    }


def render_document() -> str:
    """Return the document as the YAML text that is kept in docs/."""
    text: str = yaml.dump(build_document(), Dumper=_Plain, sort_keys=False, allow_unicode=True, width=120)
    return NOTICE + text


def is_current() -> bool:
    """Return whether the kept document is what the models say now."""
    return DOCUMENT.exists() and DOCUMENT.read_text(encoding="utf-8") == render_document()


class _Plain(yaml.SafeDumper):
    """Writes every value out in full: other languages' tools stumble over YAML's aliases."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - the library's signature
        return True


def _server() -> dict[str, Any]:
    return {
        "host": "{bootstrap}",
        "protocol": "kafka",
        "description": "The brokers' addresses, as in KAFKA_BOOTSTRAP_SERVERS.",
        "variables": {"bootstrap": {"default": "localhost:9092"}},
    }


def _channel(topic: Topic) -> dict[str, Any]:
    address = f"{topic.name}.{{publisher}}" if topic.is_intake else topic.name
    channel: dict[str, Any] = {
        "address": address,
        "title": topic.name,
        "description": f"Key: {topic.key}. Written by {topic.publisher}; heard by {', '.join(topic.hearers)}.",
        "messages": {event.TYPE: {"$ref": f"#/components/messages/{event.TYPE}"} for event in events_on(topic)},
    }
    if topic.is_intake:
        channel["parameters"] = {"publisher": {"description": "Name of the publishing system: small letters, digits, hyphen."}}
    config = topic.config()
    return channel | {
        "bindings": {
            "kafka": {
                "partitions": topic.partitions,
                "topicConfiguration": {
                    "cleanup.policy": ["delete"],
                    "retention.ms": int(config["retention.ms"]),
                    "max.message.bytes": int(config["max.message.bytes"]),
                },
                "bindingVersion": KAFKA_BINDING,
            }
        },
        "x-owner": topic.publisher,
        "x-key": topic.key,
        "x-heard-by": list(topic.hearers),
        "x-retention-days": int(config["retention.ms"]) // DAY_MS,
    }


def _operations(topic: Topic) -> Iterable[tuple[str, dict[str, Any]]]:
    channel = {"$ref": f"#/channels/{topic.name}"}
    messages = [{"$ref": f"#/channels/{topic.name}/messages/{event.TYPE}"} for event in events_on(topic)]
    if not topic.is_intake:
        yield (
            f"{topic.publisher}.sends.{topic.name}",
            {"action": "send", "channel": channel, "summary": f"{topic.publisher} publishes.", "messages": messages},
        )
    for hearer in topic.hearers:
        group = {"type": "string", "enum": [reader_of(hearer, topic)]}
        yield (
            f"{hearer}.receives.{topic.name}",
            {
                "action": "receive",
                "channel": channel,
                "summary": f"{hearer} hears.",
                "messages": messages,
                "bindings": {"kafka": {"groupId": group, "bindingVersion": KAFKA_BINDING}},
            },
        )


def _message(event: type[Event], example: Example | None) -> dict[str, Any]:
    topic = topic_of(event)
    message: dict[str, Any] = {
        "name": event.TYPE,
        "title": event.__name__,
        "summary": inspect.cleandoc(event.__doc__ or "").split("\n", maxsplit=1)[0],
        "contentType": JSON,
        "headers": _headers(event, topic),
        "payload": {"$ref": f"{SCHEMAS}{event.__name__}"},
        "correlationId": {"location": "$message.header#/ce_id", "description": "Names the event; a repeat has the same id."},
        "bindings": {"kafka": {"key": {"type": "string", "description": f"The {topic.key}."}, "bindingVersion": KAFKA_BINDING}},
    }
    if example:
        message["examples"] = [{"name": event.__name__, "headers": example.headers, "payload": example.data}]
    return message


def _headers(event: type[Event], topic: Topic) -> dict[str, Any]:
    attributes: dict[str, Any] = {
        "content-type": {"type": "string", "const": JSON},
        "ce_specversion": {"type": "string", "const": SPEC_VERSION},
        "ce_type": {"type": "string", "const": event.TYPE},
        "ce_source": {"type": "string", "description": "Who published."},
        "ce_id": {"type": "string", "description": "Together with ce_source names the event: the second of a pair is dropped."},
        "ce_time": {"type": "string", "format": "date-time", "description": "When it happened, RFC 3339."},
        "ce_subject": {"type": "string", "description": "Optional: what the event is about."},
        "ce_traceparent": {"type": "string", "description": "Optional: W3C trace context."},
    }
    required = [name for name in attributes if name not in ("ce_subject", "ce_traceparent")]
    if not topic.is_intake:
        attributes["ce_id"]["format"] = "uuid"
        attributes["ce_sequence"] = {
            "type": "string",
            "pattern": "^[1-9][0-9]*$",
            "description": "Numbers a key's events without gaps.",
        }
        required.append("ce_sequence")
    return {"type": "object", "required": required, "properties": attributes}


def _schemas(events: Iterable[type[Event]]) -> dict[str, Any]:
    _, document = models_json_schema([(event, "validation") for event in events], ref_template=SCHEMAS + "{model}")
    schemas: dict[str, Any] = document["$defs"]
    return schemas
