"""`rintis setup`: databases, roles, topics and secrets on servers that run already."""

from __future__ import annotations

import os

from rintis.runtime.apart import run_apart
from rintis.runtime.databases import SERVICES, Databases
from rintis.runtime.errors import CannotStart
from rintis.runtime.people import OPERATOR, local_people
from rintis.runtime.progress import Steps
from rintis.runtime.secrets import load_secrets
from rintis.runtime.state import State
from rintis.runtime.topics import create_all, publishers


def setup() -> None:
    """Make databases, roles, topics and secrets for RINTIS_ADMIN_DATABASE_URL and KAFKA_BOOTSTRAP_SERVERS.

    Each service's variables go into `<service>.env` of the state folder, and the tools' into `tools.env`; what they hold is
    kept from run to run, so a second run changes nothing.
    """
    admin_url, bootstrap = (_required(name) for name in ("RINTIS_ADMIN_DATABASE_URL", "KAFKA_BOOTSTRAP_SERVERS"))
    state, steps = State.default(), Steps()
    state.create()
    secrets = load_secrets(state, local_people(publishers()))
    databases = Databases(admin_url, secrets.passwords)
    with steps.step("Making databases and roles"):
        run_apart(databases.create())
    with steps.step("Making topics"):
        run_apart(create_all(bootstrap, publishers()))
    everything: dict[str, str] = {}
    for service in SERVICES:
        own = databases.environment(service) | secrets.environment(service)
        everything |= own
        _write(state, service, own)
    operator = {"RINTIS_TOKEN": secrets.tokens[OPERATOR]}
    _write(state, "console", operator)
    _write(state, "sms", {"RINTIS_SMS_TOKEN": secrets.sms_token})
    _write(state, "tools", everything | databases.audit_environment() | operator)
    steps.note(f"Variables of each service are in {state.folder}.")


def _write(state: State, name: str, variables: dict[str, str]) -> None:
    """Write a file that a shell reads: values are URLs, base64 and paths, none with a quote in it."""
    state.write_text(f"{name}.env", "".join(f"{key}='{value}'\n" for key, value in sorted(variables.items())))


def _required(name: str) -> str:
    if value := os.environ.get(name):
        return value
    raise CannotStart(f"{name} is not set.", "`rintis up` needs no servers of your own; this command does.")
