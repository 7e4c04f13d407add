"""Every metric once, by name, with its unit and meaning."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Protocol

from prometheus_client import Counter, Gauge, Histogram

CONSUMER_RECORDS = Counter("rintis_consumer_records_total", "Records settled, by consumer and outcome.", ["consumer", "outcome"])
CONSUMER_BATCH_SECONDS = Histogram("rintis_consumer_batch_seconds", "Time of one batch, from fetch to commit.", ["consumer"])
CONSUMER_FAILURES = Counter(
    "rintis_consumer_batch_failures_total", "Batches given back, to be read again.", ["consumer", "error"]
)
SET_ASIDE = Counter(
    "rintis_consumer_set_aside_total",
    "Records set aside, by whose doing it is: ours (parked or dead), or the publisher's (contract breaks of intake).",
    ["consumer", "topic", "kind"],
)
CONSUMER_STOPPED = Gauge(
    "rintis_consumer_stopped",
    "1 while a consumer of this process does not read a topic, by the reason.",
    ["consumer", "topic", "reason"],
)
RELAY_EVENTS = Counter("rintis_relay_events_total", "Events acknowledged by Kafka and deleted from the outbox.")
RELAY_FAILURES = Counter(
    "rintis_relay_failures_total", "Sends that failed or came too late; the producer was replaced.", ["error"]
)
OUTBOX_EVENTS = Gauge("rintis_outbox_events", "Events in the outbox.")
OUTBOX_AGE = Gauge("rintis_outbox_oldest_seconds", "Age of the oldest event in the outbox.")
PARKED_RECORDS = Gauge("rintis_parked_records", "Records behind gates, by consumer.", ["consumer"])
PARKED_AGE = Gauge("rintis_parked_oldest_seconds", "How long the oldest record behind a gate has waited.", ["consumer"])
JOB_FAILURES = Counter("rintis_job_failures_total", "Runs of a job that failed and will be done again.", ["job", "error"])


class _Settled(Protocol):
    @property
    def outcome(self) -> object: ...


def count_outcomes(consumer: str, items: Iterable[_Settled]) -> None:
    """Count what became of a batch's records."""
    names = [getattr(item.outcome, "name", "undecided") for item in items]
    for name in set(names):
        _records_of(consumer, name).inc(names.count(name))


_records_of = cache(CONSUMER_RECORDS.labels)
"""The counters that exist: a look-up in the library takes a lock and checks each label."""
