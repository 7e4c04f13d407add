"""Run the console: `python -m services.console`."""

from services.console.app import create
from services.console.settings import Settings

if __name__ == "__main__":
    create(Settings()).run()
