"""Connections to Kafka, with the settings that losing nothing needs."""

from __future__ import annotations

import logging

from aiokafka import AIOKafkaProducer
from faststream.kafka import KafkaBroker

from shared.messaging.answers import wait_for_whole_answers
from shared.messaging.connections import mend_connections
from shared.messaging.limits import Limits
from shared.messaging.tolerance import Backoff

PRODUCER_BATCH_BYTES = 256 << 10
"""Largest batch per partition: a relay's read of 2,000 events over 12 partitions fits."""


def make_broker(bootstrap: str, limits: Limits, client_id: str) -> KafkaBroker:
    """Return the broker that consumers hang on. It publishes nothing: events leave through the outbox."""
    mend_connections()
    wait_for_whole_answers()
    return KafkaBroker(
        bootstrap,
        client_id=client_id,
        acks="all",
        enable_idempotence=True,
        allow_auto_create_topics=False,
        metadata_max_age_ms=limits.metadata_ms,
        request_timeout_ms=limits.request_timeout_ms,
        graceful_timeout=limits.drain_seconds,
        middlewares=[Backoff],
        apply_types=False,
        logger=logging.getLogger("rintis.consumers"),
        log_level=logging.DEBUG,
    )


async def make_producer(bootstrap: str, limits: Limits, client_id: str) -> AIOKafkaProducer:
    """Return a started producer that neither doubles nor reorders."""
    mend_connections()
    wait_for_whole_answers()
    producer = AIOKafkaProducer(
        bootstrap_servers=bootstrap,
        client_id=client_id,
        acks="all",
        enable_idempotence=True,
        compression_type="zstd",
        linger_ms=0,
        max_batch_size=PRODUCER_BATCH_BYTES,
        request_timeout_ms=limits.request_timeout_ms,
        metadata_max_age_ms=limits.metadata_ms,
    )
    try:
        await producer.start()
    except BaseException:
        await producer.stop()
        raise
    return producer
