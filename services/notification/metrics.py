"""Metrics of notification, each once, by name, with its unit and meaning."""

from prometheus_client import Counter, Histogram

MESSAGES = Counter(
    "notification_messages_total", "Messages that an attempt left in a state, by channel and state.", ["channel", "state"]
)
ATTEMPT_SECONDS = Histogram("notification_attempt_seconds", "Time that a provider took for one message.", ["channel"])
TASKS = Counter("notification_tasks_total", "Changes of staff tasks, by kind and change.", ["kind", "change"])
