"""Run the service: `python -m services.registration`."""

from services.registration.app import create
from services.registration.settings import Settings

if __name__ == "__main__":
    create(Settings()).run()
