"""One subscription as those see it who operate it: its way of settling records, and the topics that it does not read."""

from __future__ import annotations

from typing import Any, Protocol

from shared.messaging.fuse import Blown
from shared.messaging.pipeline import Pipeline
from shared.messaging.stops import Stop, forget_stop, note_stop


class Reading(Protocol):
    """The client that reads for a consumer, and perhaps for others."""

    subscriber: Any

    def pause(self, topic: str) -> None:
        """Read a topic no further."""

    def resume(self, topic: str) -> None:
        """Read a topic on from where it stopped."""


class Consumer:
    """A consumer by its name, in the database and for operators; who reads for it may read for others too."""

    reader: Reading

    def __init__(self, pipeline: Pipeline) -> None:
        self.pipeline = pipeline
        self.group = pipeline.subscription.group
        self.stops: dict[str, Stop] = {}
        """Topics that this consumer does not read, by name."""

    def stop(self, blown: Blown) -> None:
        """Read a topic no further, whatever else is read."""
        if note_stop(self, blown):
            self.reader.pause(blown.topic)

    def resume(self, topic: str, *, is_forced: bool) -> None:
        """Read a topic on from where it stopped."""
        forget_stop(self, topic, is_forced=is_forced)
        self.reader.resume(topic)
