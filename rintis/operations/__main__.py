"""Run the audit as a process: `python -m rintis.operations`."""

from rintis.operations.serving import Settings, create

if __name__ == "__main__":
    create(Settings()).run()
