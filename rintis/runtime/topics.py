"""Makes the topics of `shared.contracts.topics`: the services' own, and one of each intake family per publisher."""

from __future__ import annotations

import os
import re
from collections.abc import AsyncIterator, Collection, Iterable
from contextlib import asynccontextmanager

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import TopicAlreadyExistsError, for_code

from rintis.runtime.errors import CannotStart
from shared.contracts.topics import INTAKE, OWN

PUBLISHERS = ("kemnaker", "siinas", "oss", "prakerja", "dinas")
"""Who publishes to us unless RINTIS_PUBLISHERS says otherwise."""
PUBLISHER = re.compile(r"[a-z0-9-]{1,40}")
"""What a publisher's name may be: the last part of its topics' names."""
MOST_REPLICAS = 3
"""Copies of a topic on a cluster that has the brokers for it: one may be lost while another is being restarted."""
CREATE_MILLISECONDS = 30_000
"""How long the broker may take for the whole set; about a second for 30 topics."""


def publishers(added: Iterable[str] = ()) -> tuple[str, ...]:
    """Return the publishers' names from RINTIS_PUBLISHERS, else the known ones, and those that were added here.

    Raises:
        CannotStart: where a name cannot be part of a topic's name.
    """
    said = os.environ.get("RINTIS_PUBLISHERS", ",".join(PUBLISHERS)).split(",")
    names = tuple(dict.fromkeys(name.strip() for name in (*said, *added) if name.strip()))
    for name in names:
        check_publisher(name)
    return names


def check_publisher(name: str) -> None:
    """Check that a publisher's name can end a topic's name.

    Raises:
        CannotStart: where it cannot.
    """
    if not PUBLISHER.fullmatch(name):
        raise CannotStart(f"{name!r} cannot be a publisher's name.", "Use 1 to 40 of: small letters, digits, hyphen.")


def topics_wanted(names: Collection[str], *, most_partitions: int | None = None, replicas: int = 1) -> list[NewTopic]:
    """Return every topic with its settings, for these publishers."""
    pairs = [(topic, topic.of(publisher)) for topic in INTAKE for publisher in names] + [(topic, topic.name) for topic in OWN]
    # With three copies an acknowledged record is on two brokers at least, and one broker may be away.
    copies = {"min.insync.replicas": str(max(1, replicas - 1))}
    return [
        NewTopic(
            name, min(topic.partitions, most_partitions or topic.partitions), replicas, topic_configs=topic.config() | copies
        )
        for topic, name in pairs
    ]


async def create_topics(bootstrap: str, wanted: Collection[NewTopic]) -> list[str]:
    """Make the topics that are missing and return their names; those that exist are left as they are.

    Raises:
        CannotStart: where the broker refuses one, with its reason.
    """
    async with admin(bootstrap) as client:
        answer = await client.create_topics(list(wanted), timeout_ms=CREATE_MILLISECONDS)
    created = []
    for name, code, *details in answer.topic_errors:
        error = for_code(code)
        if code == 0:
            created.append(name)
        elif error is not TopicAlreadyExistsError:
            raise CannotStart(
                f"Kafka refused topic {name}: {error.__name__} {' '.join(str(detail) for detail in details if detail)}"
            )
    return created


async def create_all(bootstrap: str, names: Collection[str], *, replicas: int | None = None) -> list[str]:
    """Make every topic for these publishers that is missing, with as many copies as the cluster can hold, three at most."""
    if replicas is None:
        async with admin(bootstrap) as client:
            replicas = min(MOST_REPLICAS, len((await client.describe_cluster())["brokers"]))
    return await create_topics(bootstrap, topics_wanted(names, replicas=replicas))


async def delete_topics(bootstrap: str, names: Collection[str]) -> None:
    """Delete topics with everything in them."""
    async with admin(bootstrap) as client:
        await client.delete_topics(list(names), timeout_ms=CREATE_MILLISECONDS)


async def existing_topics(bootstrap: str) -> list[str]:
    """Return the names of all topics but Kafka's own."""
    async with admin(bootstrap) as client:
        return own_topics(await client.list_topics())


def own_topics(names: Iterable[str]) -> list[str]:
    """Return the names without Kafka's own, sorted."""
    return sorted(name for name in names if not name.startswith("__"))


@asynccontextmanager
async def admin(bootstrap: str) -> AsyncIterator[AIOKafkaAdminClient]:
    """Lend an administrator's client."""
    client = AIOKafkaAdminClient(bootstrap_servers=bootstrap, client_id="rintis-setup")
    await client.start()
    try:
        yield client
    finally:
        await client.close()
