"""Events that notification publishes: what became of messages and of staff tasks."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar, Literal
from uuid import UUID

from pydantic import Field

from shared.contracts.envelope import Event

Channel = Literal["sms", "email"]
TaskKind = Literal["eligibility_review", "filing_validation"]


class Told(Event):
    """What every event about a message carries. No address, no text."""

    subject_id: UUID = Field(description="Worker id, reference id or permit id that the message is about.")
    message_id: UUID
    about: UUID = Field(description="Id of the event that the message tells of.")
    template: str

    def key(self) -> str:
        """Return the id of the message's subject."""
        return str(self.subject_id)


class MessageEvent(Told):
    """What every event about a message to a person carries."""

    TOPIC: ClassVar[str] = "notification.messages"


class MessageSent(MessageEvent):
    """A provider took the message."""

    TYPE: ClassVar[str] = "id.rintis.notification.message.sent.v1"

    channel: Channel


class MessageFailed(MessageEvent):
    """The message could not be sent within its attempts."""

    TYPE: ClassVar[str] = "id.rintis.notification.message.failed.v1"

    channel: Channel
    reason: str


class MessageSkipped(MessageEvent):
    """There was no way to send it, or no reason to."""

    TYPE: ClassVar[str] = "id.rintis.notification.message.skipped.v1"

    reason: str


class MessageUnknown(MessageEvent):
    """The provider may have taken the message before a crash; it is not sent again."""

    TYPE: ClassVar[str] = "id.rintis.notification.message.unknown.v1"

    channel: Channel


class NoticeEvent(Told):
    """What every event about a message to a company carries: a topic of its own, so that nobody reads the other's millions."""

    TOPIC: ClassVar[str] = "notification.notices"


class NoticeSent(NoticeEvent):
    """A provider took the message to the company."""

    TYPE: ClassVar[str] = "id.rintis.notification.notice.sent.v1"

    channel: Channel


class NoticeFailed(NoticeEvent):
    """The message to the company could not be sent within its attempts."""

    TYPE: ClassVar[str] = "id.rintis.notification.notice.failed.v1"

    channel: Channel
    reason: str


class NoticeSkipped(NoticeEvent):
    """There was no way to send it to the company, or no reason to."""

    TYPE: ClassVar[str] = "id.rintis.notification.notice.skipped.v1"

    reason: str


class NoticeUnknown(NoticeEvent):
    """The provider may have taken the message to the company before a crash; it is not sent again."""

    TYPE: ClassVar[str] = "id.rintis.notification.notice.unknown.v1"

    channel: Channel


class TaskEvent(Event):
    """What every task event carries; details are served by the service that asked."""

    TOPIC: ClassVar[str] = "notification.tasks"

    task_id: UUID
    about: UUID = Field(description="Worker id or permit id.")
    case_id: UUID = Field(description="Id of the review that the asking service opened.")
    kind: TaskKind
    dinas: str

    def key(self) -> str:
        """Return the id of what the task is about."""
        return str(self.about)


class TaskOpened(TaskEvent):
    """A task was opened and routed."""

    TYPE: ClassVar[str] = "id.rintis.notification.task.opened.v1"

    assignee: str | None
    due_at: datetime


class TaskClaimed(TaskEvent):
    """A member of staff took the task."""

    TYPE: ClassVar[str] = "id.rintis.notification.task.claimed.v1"

    person: str


class TaskCompleted(TaskEvent):
    """A member of staff decided. The service that asked acts on it."""

    TYPE: ClassVar[str] = "id.rintis.notification.task.completed.v1"

    person: str
    outcome: Literal["approve", "reject"]
    reason: str = Field(description="Reason code chosen by the member of staff.")
