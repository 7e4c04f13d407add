"""`rintis publish TYPE`: sends an event as an outside publisher would."""

from __future__ import annotations

import asyncio
import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any
from uuid import uuid4

import typer
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaConnectionError
from pydantic import ValidationError

from rintis.runtime.errors import CannotStart
from shared.contracts import intake
from shared.contracts.envelope import Envelope, headers_of
from shared.contracts.intake import IntakeEvent

EXAMPLES = Path(intake.__file__).parent / "examples"
TYPES: dict[str, type[IntakeEvent]] = {
    "registration": intake.RegistrationSubmitted,
    "layoff": intake.LayoffReported,
    "permit-issued": intake.PermitIssued,
    "permit-changed": intake.PermitChanged,
    "permit-revoked": intake.PermitRevoked,
    "filing": intake.FilingSubmitted,
}


def command(
    kind: Annotated[str, typer.Argument(help=f"One of: {', '.join(TYPES)}.")],
    publisher: Annotated[str, typer.Option(help="Whose topic; `rintis publishers add NAME` makes one.")] = "kemnaker",
    file: Annotated[Path | None, typer.Option(exists=True, help="JSON of the data; an example unless given.")] = None,
    count: Annotated[
        int, typer.Option(min=1, max=100_000, help="How many; each after the first gets a reference of its own.")
    ] = 1,
) -> None:
    """Send an event to its intake topic and print where it lies. Exit status: 0 acknowledged, 1 not."""
    if kind not in TYPES:
        raise CannotStart(f"{kind!r} is no kind of event.", f"Use one of: {', '.join(TYPES)}.")
    if not (bootstrap := os.environ.get("KAFKA_BOOTSTRAP_SERVERS")):
        raise CannotStart("Nothing says where Kafka is.", "Start `rintis up` here, or set KAFKA_BOOTSTRAP_SERVERS.")
    data = _read(file) if file else _example(TYPES[kind])
    asyncio.run(_send(bootstrap, TYPES[kind], publisher, [_numbered(data, number) for number in range(count)]))


def _read(file: Path) -> dict[str, Any]:
    try:
        data = json.loads(file.read_text("utf-8"))
    except ValueError:
        data = None
    if not isinstance(data, dict):
        raise CannotStart(f"{file.name} holds no JSON object in UTF-8.", "docs/publish.md has an example of each kind.")
    return data


def _example(model: type[IntakeEvent]) -> dict[str, Any]:
    found = next(EXAMPLES.glob(f"*/{model.TYPE}.json"))
    data: dict[str, Any] = json.loads(found.read_text("utf-8"))["data"]
    return data


def _numbered(data: dict[str, Any], number: int) -> dict[str, Any]:
    return data if number == 0 or "reference" not in data else data | {"reference": f"{data['reference']}-{number}"}


async def _send(bootstrap: str, model: type[IntakeEvent], publisher: str, items: list[dict[str, Any]]) -> None:
    events = [(data, _checked(model, data)) for data in items]
    topic = f"{model.TOPIC}.{publisher}"
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all", enable_idempotence=True)
    try:
        await producer.start()
        await _check_topic(producer, topic, publisher)
        for data, event in events:
            envelope = Envelope(str(uuid4()), f"https://{publisher}.example/rintis", model.TYPE, datetime.now(UTC))
            value, key = json.dumps(data).encode(), event.key().encode()
            sent = await producer.send_and_wait(topic, value, key=key, headers=headers_of(envelope))
            typer.echo(f"{topic} partition {sent.partition} offset {sent.offset} source {envelope.source} id {envelope.id}")
    except KafkaConnectionError:
        raise CannotStart(f"Kafka does not answer at {bootstrap}.", "Is `rintis up` running?") from None
    finally:
        await producer.stop()


async def _check_topic(producer: AIOKafkaProducer, topic: str, publisher: str) -> None:
    """Ask for the topic first: sending to one that is not there would only time out."""
    # aiokafka's public way waits for a topic instead of saying that there is none.
    cluster = await producer.client.fetch_all_metadata()
    if topic not in cluster.topics():
        raise CannotStart(f"There is no topic {topic}.", f"`rintis publishers add {publisher}` makes it.")


def _checked(model: type[IntakeEvent], data: dict[str, Any]) -> IntakeEvent:
    try:
        return model.model_validate(data)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        raise CannotStart(
            f"The data do not fit {model.TYPE}: {'.'.join(map(str, first['loc']))}: {first['msg']}.", "See docs/publish.md."
        ) from None
