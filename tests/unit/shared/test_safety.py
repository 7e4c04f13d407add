"""What losing nothing hangs on: how producers are made, and what a server that takes no writes means."""

import re

import asyncpg
import pytest
from aiokafka import AIOKafkaProducer

from rintis.runtime.stack import flush_settings
from rintis.runtime.state import ROOT
from shared.messaging import Limits
from shared.messaging import broker as broker_module
from shared.messaging.broker import make_producer
from shared.messaging.retry import concerns_batch
from shared.storage import TRANSIENT

PROGRAMS = ("shared", "services", "rintis")
MADE = re.compile(r"AIOKafkaProducer\((?P<arguments>[^()]*(?:\([^()]*\)[^()]*)*)\)", re.DOTALL)


def calls() -> list[tuple[str, str]]:
    found = []
    for part in PROGRAMS:
        for path in (ROOT / part).rglob("*.py"):
            if path.parts[-2] != "testing":
                found += [(str(path.relative_to(ROOT)), m["arguments"]) for m in MADE.finditer(path.read_text("utf-8"))]
    return found


def test_there_are_producers_to_look_at() -> None:
    assert len(calls()) >= 2


@pytest.mark.parametrize(("place", "arguments"), calls(), ids=lambda value: value if value.endswith(".py") else "")
def test_every_producer_waits_for_all_replicas_and_doubles_nothing(place: str, arguments: str) -> None:
    assert 'acks="all"' in arguments, place
    assert "enable_idempotence=True" in arguments, place


async def test_the_relays_producer_is_made_so(monkeypatch: pytest.MonkeyPatch) -> None:
    given: dict[str, object] = {}

    class Producer(AIOKafkaProducer):  # type: ignore[misc]  # aiokafka ships no types
        def __init__(self, **options: object) -> None:
            given.update(options)

        async def start(self) -> None:
            """Need no broker."""

    monkeypatch.setattr(broker_module, "AIOKafkaProducer", Producer)
    await make_producer("127.0.0.1:1", Limits(), "test")
    assert given["acks"] == "all"
    assert given["enable_idempotence"] is True


def test_the_consumers_broker_would_publish_no_other_way() -> None:
    source = (ROOT / "shared/messaging/broker.py").read_text("utf-8")
    assert source.count('acks="all"') == 2
    assert source.count("enable_idempotence=True") == 2


@pytest.mark.parametrize(
    "error",
    [asyncpg.DiskFullError, asyncpg.OutOfMemoryError, asyncpg.ReadOnlySQLTransactionError, asyncpg.TooManyConnectionsError],
)
def test_a_server_that_takes_no_writes_costs_time_and_no_record(error: type[asyncpg.PostgresError]) -> None:
    assert issubclass(error, TRANSIENT)
    assert concerns_batch(error("no"))


def test_flushing_every_record_is_one_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RINTIS_KAFKA_FLUSH_MESSAGES", raising=False)
    assert flush_settings() == {}
    monkeypatch.setenv("RINTIS_KAFKA_FLUSH_MESSAGES", "1")
    assert flush_settings() == {"log.flush.interval.messages": "1"}
