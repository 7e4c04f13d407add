"""What Java remembers of Kafka's classes: written once a machine, so that every later start need not read them anew.

A broker's start is mostly Java reading some thousand classes. With an archive of them (class-data sharing of applications, JEP 350)
it takes 3.7 CPU seconds instead of 5.8, and so does every start after a crash.
"""

from __future__ import annotations

import fcntl
import hashlib
import logging
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import NewTopic
from aiokafka.errors import KafkaError

from rintis.runtime.apart import run_apart
from rintis.runtime.errors import CannotStart
from rintis.runtime.jars import kafka_jars
from rintis.runtime.java import find_java
from rintis.runtime.kafka import KafkaPlan, KafkaServer, Program
from rintis.runtime.ports import free_port
from rintis.runtime.progress import Steps
from rintis.runtime.state import State
from rintis.runtime.topics import create_topics

WRITE_SECONDS = 120.0
"""How long the node that writes the archive may take to stop: 8 s were measured on a busy machine."""
USE_MILLISECONDS = 20_000
"""How long that node's first record may take."""
TOPIC = "classes"
"""What that node is used for: a topic, a record, a group."""


def kafka_program(steps: Steps) -> Program:
    """Return what a node is run by. The first call of a machine fetches the jars and starts a node once to learn its classes.

    Raises:
        CannotStart: where Java or a jar is missing.
    """
    java, jars = find_java(), kafka_jars(steps)
    return Program(java, jars, class_archive(java, jars, steps))


def class_archive(java: Path, jars: Path, steps: Steps) -> Path | None:
    """Return the archive of a `java` and a folder of jars, None where this Java wrote none.

    Java looks itself whether an archive fits it and the jars, and does without one that does not.
    """
    real = java.resolve()
    name = hashlib.sha256(f"{real} {real.stat().st_mtime_ns} {jars}".encode()).hexdigest()[:12]
    archive = jars.with_name(f"{jars.name}-classes-{name}.jsa")
    with archive.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not archive.exists():
            with steps.step("Learning Kafka's classes, so that it starts faster from now on"):
                _write(Program(java, jars), archive)
    return archive if archive.stat().st_size else None


def _write(program: Program, archive: Path) -> None:
    """Use a node and stop it; where that leaves no archive, leave an empty file, so that nobody tries again."""
    with tempfile.TemporaryDirectory(prefix="rintis-classes-") as folder:
        fresh = archive.with_suffix(".new")
        fresh.unlink(missing_ok=True)
        state = State(Path(folder))
        with state.hold():
            node = KafkaServer(state, KafkaPlan(program, free_port(), free_port(), {}, (f"-XX:ArchiveClassesAtExit={fresh}",)))
            try:
                node.start()
                with _in_silence():
                    run_apart(_use(node.bootstrap))
            except (CannotStart, KafkaError):
                # Whatever is wrong with it, the node that is wanted will say so.
                pass
            finally:
                node.stop(WRITE_SECONDS)
        if not fresh.exists():
            fresh.touch()
        fresh.rename(archive)


@contextmanager
def _in_silence() -> Iterator[None]:
    """Keep the client quiet: a node's first group is not there at once, which is nobody's fault."""
    logger = logging.getLogger("aiokafka")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(level)


async def _use(bootstrap: str) -> None:
    """Have a node load what it needs for work."""
    await create_topics(bootstrap, [NewTopic(TOPIC, 1, 1)])
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all", enable_idempotence=True, compression_type="zstd")
    consumer = AIOKafkaConsumer(TOPIC, bootstrap_servers=bootstrap, group_id=TOPIC, auto_offset_reset="earliest")
    try:
        await producer.start()
        await producer.send_and_wait(TOPIC, b"{}", key=b"1")
        await consumer.start()
        await consumer.getmany(timeout_ms=USE_MILLISECONDS)
        await consumer.commit()
    finally:
        await producer.stop()
        await consumer.stop()
