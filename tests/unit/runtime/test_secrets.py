import base64
import hashlib
import json
from pathlib import Path

from rintis.runtime.people import local_people
from rintis.runtime.secrets import load_secrets
from rintis.runtime.state import State


def a_state(tmp_path: Path) -> State:
    state = State(tmp_path / "state")
    state.create()
    return state


def test_a_second_start_finds_the_same_secrets(tmp_path: Path) -> None:
    state, people = a_state(tmp_path), local_people(["kemnaker"])
    assert load_secrets(state, people) == load_secrets(state, people)


def test_a_service_is_given_the_keys_of_its_own_boxes_only(tmp_path: Path) -> None:
    secrets = load_secrets(a_state(tmp_path), local_people([]))
    given = {name for name in secrets.environment("eligibility") if name.startswith(("RINTIS_MASTER", "RINTIS_BLIND"))}
    assert given == {"RINTIS_MASTER_FACTS", "RINTIS_MASTER_RECORD"}
    assert not any(name.startswith("RINTIS_MASTER") for name in secrets.environment("console"))


def test_master_keys_are_32_bytes(tmp_path: Path) -> None:
    secrets = load_secrets(a_state(tmp_path), local_people([]))
    assert {len(base64.b64decode(key)) for key in secrets.masters.values()} == {32}


def test_the_callers_file_holds_digests_and_no_token(tmp_path: Path) -> None:
    secrets = load_secrets(a_state(tmp_path), local_people(["kemnaker"]))
    text = secrets.callers_file.read_text()
    callers = {caller["person"]: caller for caller in json.loads(text)}
    assert callers["kemnaker"]["token_sha256"] == hashlib.sha256(secrets.tokens["kemnaker"].encode()).hexdigest()
    assert not any(token in text for token in secrets.tokens.values())
    assert secrets.callers_file.stat().st_mode & 0o077 == 0
