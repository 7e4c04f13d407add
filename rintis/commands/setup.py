"""`rintis setup`: databases, roles, topics and secrets on servers that run already."""

from __future__ import annotations

import os
from pathlib import Path

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

    Each service finds its variables in `services/<name>/env` of the state folder and the known callers beside it; the
    command line's are in `tools.env`. Secrets are kept from run to run, so a second run changes nothing.
    """
    admin_url, bootstrap = (_required(name) for name in ("RINTIS_ADMIN_DATABASE_URL", "KAFKA_BOOTSTRAP_SERVERS"))
    state, steps = State.default(), Steps()
    state.create()
    names = publishers(state.read("publishers.json", []))
    secrets = load_secrets(state, local_people(names))
    databases = Databases(admin_url, secrets.passwords)
    with steps.step("Making databases and roles"):
        run_apart(databases.create())
    with steps.step("Making topics"):
        run_apart(create_all(bootstrap, names))
    variables = {name: databases.environment(name) | secrets.environment(name) for name in SERVICES}
    operator = {"RINTIS_TOKEN": secrets.tokens[OPERATOR]}
    extra = {"console": operator, "audit": databases.audit_environment(), "sms": {"RINTIS_SMS_TOKEN": secrets.sms_token}}
    for name, own in (variables | extra).items():
        _hand_over(state, name, own, secrets.callers_file)
    everything = {key: value for own in variables.values() for key, value in own.items()}
    state.write_text("tools.env", _for_shell(everything | databases.audit_environment() | operator))
    steps.note(f"The variables of each service are in {state.folder / 'services'}.")


def _hand_over(state: State, name: str, variables: dict[str, str], callers: Path) -> None:
    folder = state.folder / "services" / name
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    state.write_text(f"services/{name}/callers.json", callers.read_text(encoding="utf-8"))
    state.write_text(f"services/{name}/env", _for_shell(variables))


def _for_shell(variables: dict[str, str]) -> str:
    """Return lines that a shell, `docker run --env-file` and `kubectl create secret --from-env-file` read alike.

    Values are URLs and base64: nothing in them that any of the three would take for something else.

    The callers file is named by whoever starts the service: where a volume is mounted is not known here.
    """
    rows = sorted((key, value) for key, value in variables.items() if key != "RINTIS_CALLERS_FILE")
    return "".join(f"{key}={value}\n" for key, value in rows)


def _required(name: str) -> str:
    if value := os.environ.get(name):
        return value
    raise CannotStart(f"{name} is not set.", "`rintis up` needs no servers of your own; this command does.")
