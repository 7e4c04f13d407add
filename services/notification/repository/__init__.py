"""The only SQL of notification: messages and tasks."""
