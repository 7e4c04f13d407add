"""Runs one process of notification: `python -m services.notification`."""

from services.notification.app import create
from services.notification.settings import Settings

if __name__ == "__main__":
    create(Settings()).run()
