"""Every topic once: its key, its size, who publishes, who hears."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

DAY_MS = 86_400_000
HOUR_MS = 3_600_000

INTAKE_RETENTION_MS = 14 * DAY_MS
"""Ceiling: the hearing service deletes what it has read earlier; an outage of 14 days loses nothing."""
OWN_RETENTION_MS = 14 * DAY_MS
"""Longer than the window in which a database may be restored, so that everything since can be read again."""
MAX_RECORD_BYTES = 1_048_576
"""Largest record that the broker takes, Kafka's default."""


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic. `partitions` bounds how many processes of one hearer can share its work.

    `is_newest_truth`: a key's newest event replaces what its older ones said, so that an old one that could not be handled in
    its time is not applied any more. Where it is False each event stands for itself (one message of several, one filing).
    """

    name: str
    key: str
    publisher: str
    hearers: tuple[str, ...]
    partitions: int = 12
    is_newest_truth: bool = True

    @property
    def is_intake(self) -> bool:
        """Whether the topic is a family of untrusted topics, one per publisher."""
        return self.name.startswith("intake.")

    @property
    def pattern(self) -> str:
        """Return the regular expression that finds every publisher's topic of this family."""
        return rf"^{self.name.replace('.', r'[.]')}[.][a-z0-9-]+$"

    def of(self, publisher: str) -> str:
        """Return the name of one publisher's topic of this family."""
        return f"{self.name}.{publisher}"

    def config(self) -> dict[str, str]:
        """Return the broker's settings for the topic."""
        shared = {"segment.ms": str(HOUR_MS), "max.message.bytes": str(MAX_RECORD_BYTES), "min.insync.replicas": "1"}
        if self.is_intake:
            return shared | {"message.timestamp.type": "LogAppendTime", "retention.ms": str(INTAKE_RETENTION_MS)}
        return shared | {"retention.ms": str(OWN_RETENTION_MS)}


INTAKE_REGISTRATIONS = Topic("intake.registrations", "publisher's reference", "outside", ("registration",))
INTAKE_LAYOFFS = Topic("intake.layoffs", "publisher's reference", "outside", ("registration",), partitions=6)
INTAKE_PERMITS = Topic("intake.permits", "permit number", "outside", ("reporting",), partitions=6)
INTAKE_FILINGS = Topic("intake.filings", "permit number", "outside", ("reporting",), partitions=6)
WORKERS = Topic("registration.workers", "worker id", "registration", ("eligibility", "notification"))
REFUSALS = Topic("registration.refusals", "reference id", "registration", ("notification",), partitions=6)
REVIEWS = Topic("registration.reviews", "worker id", "registration", ("notification",), partitions=6, is_newest_truth=False)
DECISIONS = Topic("eligibility.decisions", "worker id", "eligibility", ("notification", "registration"))
PLACEMENTS = Topic("eligibility.placements", "worker id", "eligibility", ("notification", "registration"))
MESSAGES = Topic("notification.messages", "subject id", "notification", ("registration",), is_newest_truth=False)
NOTICES = Topic("notification.notices", "permit id", "notification", ("reporting",), partitions=6, is_newest_truth=False)
TASKS = Topic(
    "notification.tasks", "id of what the task is about", "notification", ("eligibility",), partitions=6, is_newest_truth=False
)
FILINGS = Topic("reporting.filings", "permit id", "reporting", ("notification",), partitions=6, is_newest_truth=False)
SANCTIONS = Topic("reporting.sanctions", "permit id", "reporting", ("notification",), partitions=6)

INTAKE = (INTAKE_REGISTRATIONS, INTAKE_LAYOFFS, INTAKE_PERMITS, INTAKE_FILINGS)
OWN = (WORKERS, REFUSALS, REVIEWS, DECISIONS, PLACEMENTS, MESSAGES, NOTICES, TASKS, FILINGS, SANCTIONS)
ALL = INTAKE + OWN

READ_TOGETHER: Mapping[str, tuple[Topic, ...]] = {
    "registration.status": (DECISIONS, PLACEMENTS, MESSAGES),
    "notification.people": (WORKERS, DECISIONS, PLACEMENTS),
    "notification.companies": (FILINGS, SANCTIONS),
}
"""Topics that a service reads by one client, under the name of its consumer group in Kafka: what comes by them belongs together, and is settled
in one transaction. Every other topic is read by a client of its own: a fetch costs by the partitions that it asks for, whatever comes."""

FOLLOWED: Mapping[str, Topic] = {"notification.people": WORKERS}
"""Of the topics that one client reads the one whose events lead to others on the rest: whoever is registered is decided about at once."""


def reader_of(hearer: str, topic: Topic) -> str:
    """Return the consumer group in Kafka by which a service hears a topic."""
    groups = (group for group, topics in READ_TOGETHER.items() if topic in topics and group.split(".")[0] == hearer)
    return next(groups, f"{hearer}.{topic.name.rsplit('.', 1)[-1]}")
