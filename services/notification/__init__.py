"""Notification: messages to people and tasks for staff.

Owns the intent to tell somebody something, every attempt to do so and what became of it, and the staff's tasks.
Hears registration, eligibility and reporting. Says MessageSent, MessageFailed, MessageSkipped, MessageUnknown, of messages to
companies NoticeSent and so on, TaskOpened, TaskClaimed, TaskCompleted.

Words: *news* is what an event means to its person; a *message* is one piece of news on its way to one address by one
*channel*; an *attempt* is one try; a *task* is one question to staff, *routed* to an *assignee* and *claimed* by whoever does it.
"""
