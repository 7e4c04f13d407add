"""Run the service: `python -m services.reporting`."""

from services.reporting.app import create
from services.reporting.settings import Settings

if __name__ == "__main__":
    create(Settings()).run()
