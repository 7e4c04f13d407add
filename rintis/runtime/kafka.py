"""One Kafka node (KRaft, broker and controller in one process) on the loopback interface."""

from __future__ import annotations

import signal
import socket
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from rintis.runtime.errors import CannotStart
from rintis.runtime.ports import LOOPBACK
from rintis.runtime.state import State

CLUSTER = "cmludGlzLWxvY2FsLW9uZQ"
"""Name of the cluster, 16 bytes in base64 as Kafka wants it; one node needs no other."""
START_SECONDS = 90.0
"""Measured: 2.3 to 2.7 s on an idle machine; after a kill -9 the logs are read again first."""
STOP_SECONDS = 20.0
"""Measured: 1 to 3 s; afterwards it is killed, which costs no acknowledged record of a running operating system."""
PROBE_SECONDS = 0.05
"""Between two looks at the port while the broker starts."""
HEAP_MEGABYTES = 512
"""Enough for 30 topics and the demo; 350 to 430 MB were resident."""


@dataclass(frozen=True, slots=True)
class Door:
    """A further port of the node, whose clients are told to come back by `advertised_port`: a proxy in front of it."""

    name: str
    port: int
    advertised_port: int


@dataclass(frozen=True, slots=True)
class Program:
    """What a node is run by: a `java`, the folder of Kafka's jars, and an archive of their classes where there is one."""

    java: Path
    jars: Path
    archive: Path | None = None


@dataclass(frozen=True, slots=True)
class KafkaPlan:
    """Where and how one node runs. `properties` go into its server.properties over ours, `options` to its Java machine."""

    program: Program
    port: int
    controller_port: int
    properties: Mapping[str, str]
    options: tuple[str, ...] = ()
    doors: tuple[Door, ...] = ()


class KafkaServer:
    """Start, stop and, for tests, kill and pause one node. Its data stays in the state folder."""

    def __init__(self, state: State, plan: KafkaPlan, name: str = "kafka") -> None:
        self._state = state
        self._plan = plan
        self._name = name
        self._home = state.folder / name
        self._process: subprocess.Popen[bytes] | None = None
        self.bootstrap = f"{LOOPBACK}:{plan.port}"

    @property
    def is_running(self) -> bool:
        """Whether the server's process runs, hanging or not."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start the node and return once it answers.

        Raises:
            CannotStart: where it ends or stays silent, with the last lines of its log.
        """
        self._home.mkdir(mode=0o700, exist_ok=True)
        settings = self._write_settings()
        if not (self._home / "data" / "meta.properties").exists():
            self._format(settings)
        self._process = self._state.spawn(self._name, [*self._java(HEAP_MEGABYTES), "kafka.Kafka", settings])
        self._wait_for_port(self._process)

    def stop(self, within_seconds: float = STOP_SECONDS) -> None:
        """Stop the node so that the next start need not repair anything."""
        self._end(signal.SIGTERM, within_seconds)

    def kill(self) -> None:
        """End the node as a crash would."""
        self._end(signal.SIGKILL, STOP_SECONDS)

    def pause(self) -> None:
        """Make the node hang: connections stay open, nothing answers."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let a paused node go on."""
        self._signal(signal.SIGCONT)

    def tool(self, main_class: str, *arguments: str) -> str:
        """Run one of Kafka's own command-line tools and return what it printed."""
        return _run([*self._java(HEAP_MEGABYTES // 2), main_class, *arguments])

    def _java(self, heap_megabytes: int) -> list[str | Path]:
        program = self._plan.program
        return [
            program.java,
            f"-Xmx{heap_megabytes}m",
            # On two cores the serial collector costs less than the threads of the parallel ones.
            "-XX:+UseSerialGC",
            # The second compiler took an eighth of a core in the first quarter of a minute under load, beside people who wait.
            "-XX:TieredStopAtLevel=1",
            *([f"-XX:SharedArchiveFile={program.archive}"] if program.archive else []),
            *self._plan.options,
            f"-Dkafka.logs.dir={self._home}",
            "-cp",
            f"{program.jars}/*",
        ]

    def _format(self, settings: Path) -> None:
        _run([*self._java(HEAP_MEGABYTES // 2), "kafka.tools.StorageTool", "format", "-t", CLUSTER, "-c", settings])

    def _write_settings(self) -> Path:
        controller = f"{LOOPBACK}:{self._plan.controller_port}"
        doors = [Door("PLAINTEXT", self._plan.port, self._plan.port), *self._plan.doors]
        properties = {
            "process.roles": "broker,controller",
            "node.id": "1",
            # Given by setting, not kept in the log: so the port may differ at the next start.
            "controller.quorum.voters": f"1@{controller}",
            "controller.listener.names": "CONTROLLER",
            "listeners": ",".join([*(f"{d.name}://{LOOPBACK}:{d.port}" for d in doors), f"CONTROLLER://{controller}"]),
            "advertised.listeners": ",".join(f"{d.name}://{LOOPBACK}:{d.advertised_port}" for d in doors),
            "listener.security.protocol.map": ",".join(f"{name}:PLAINTEXT" for name in (*(d.name for d in doors), "CONTROLLER")),
            "log.dirs": str(self._home / "data"),
            **ONE_NODE,
            **self._plan.properties,
        }
        settings = self._home / "server.properties"
        settings.write_text("".join(f"{key}={value}\n" for key, value in properties.items()), encoding="utf-8")
        return settings

    def _wait_for_port(self, process: subprocess.Popen[bytes]) -> None:
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end and process.poll() is None:
            try:
                # The port opens last, after the logs have been recovered.
                socket.create_connection((LOOPBACK, self._plan.port), PROBE_SECONDS).close()
            except OSError:
                time.sleep(PROBE_SECONDS)
            else:
                return
        log = self._state.logs / f"{self._name}.log"
        last = "\n  ".join(log.read_text(errors="replace").splitlines()[-15:])
        raise CannotStart(f"Kafka did not start within {START_SECONDS:.0f} s. The end of {log}:\n  {last}")

    def _signal(self, number: int) -> None:
        if self._process is not None:
            self._process.send_signal(number)

    def _end(self, number: int, within_seconds: float) -> None:
        process, self._process = self._process, None
        if process is not None:
            self._state.end_child(process, number, within_seconds)


ONE_NODE = {
    # A topic that was not created is a mistake to be seen, not a topic of one partition.
    "auto.create.topics.enable": "false",
    "offsets.topic.replication.factor": "1",
    "offsets.topic.num.partitions": "4",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "transaction.state.log.num.partitions": "4",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    # Services of one machine start together: waiting for more members only delays the first event.
    "group.initial.rebalance.delay.ms": "0",
    # Lets tests notice a killed consumer soon; the services ask for their own, longer time-out.
    "group.min.session.timeout.ms": "1000",
}
"""Settings of a node that stands alone."""


def _run(command: list[str | Path]) -> str:
    result = subprocess.run(  # noqa: S603 - our own command line
        [str(part) for part in command], capture_output=True, text=True, check=False
    )
    if result.returncode:
        raise CannotStart(f"A tool of Kafka failed: {result.stdout}{result.stderr}")
    return result.stdout
