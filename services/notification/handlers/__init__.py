"""Use cases of notification: telling people, sending, and staff tasks."""
