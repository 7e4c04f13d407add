"""Rules of notification, pure: channels, fates of attempts, routing of tasks."""
