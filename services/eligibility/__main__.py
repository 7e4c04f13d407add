"""Run the service: `python -m services.eligibility`."""

from services.eligibility.app import create
from services.eligibility.settings import Settings

if __name__ == "__main__":
    create(Settings()).run()
