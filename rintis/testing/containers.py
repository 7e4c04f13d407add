"""Kafka and PostgreSQL from the public images, for tests with RINTIS_TEST_SERVERS=containers."""

from __future__ import annotations

import os
import socket
import time
from typing import Any

from testcontainers.core.container import DockerContainer

from rintis.runtime.errors import CannotStart
from rintis.runtime.jars import KAFKA_VERSION
from rintis.runtime.kafka import ONE_NODE
from rintis.runtime.ports import LOOPBACK, free_port
from rintis.runtime.postgres import ADMIN, database_url
from rintis.runtime.secrets import Secrets
from rintis.testing.kafka import FOR_TESTS as KAFKA_SETTINGS

POSTGRES_IMAGE = "postgres:17"
KAFKA_IMAGE = f"apache/kafka:{KAFKA_VERSION}"
READY_SECONDS = 90.0
"""For a container whose image is there already."""
PROBE_SECONDS = 0.2
CONTROLLER_PORT = 9093

# The fixtures remove their containers; a second container that removes them again would need one more image.
os.environ.setdefault("TESTCONTAINERS_RYUK_DISABLED", "true")


class ContainerServer:
    """One container that can be started, stopped and killed with its data kept."""

    ready_command: tuple[str, ...]

    def __init__(self, container: DockerContainer, port: int) -> None:
        self._container = container
        self._port = port
        self._is_made = False

    @property
    def _inside(self) -> Any:
        return self._container.get_wrapped_container()

    def up(self) -> None:
        """Start the container and return once the server in it answers."""
        if not self._is_made:
            self._container.start()
            self._is_made = True
        else:
            self._inside.start()
        end = time.monotonic() + READY_SECONDS
        while not self._answers():
            if time.monotonic() > end:
                raise CannotStart(f"The container of {self._container.image} did not get ready: {self._container.get_logs()}")
            time.sleep(PROBE_SECONDS)

    def down(self) -> None:
        """Stop the server in the container properly."""
        self._inside.stop()

    def kill(self) -> None:
        """End the server as a crash would."""
        self._inside.kill()

    def pause(self) -> None:
        """Freeze the container."""
        self._inside.pause()

    def resume(self) -> None:
        """Let it go on."""
        self._inside.unpause()

    def remove(self) -> None:
        """Delete the container with its data."""
        if self._is_made:
            self._container.stop()

    def _answers(self) -> bool:
        """Whether the port is open for clients and the server's own check passes."""
        try:
            socket.create_connection((LOOPBACK, self._port), PROBE_SECONDS).close()
        except OSError:
            return False
        return bool(self._inside.exec_run(list(self.ready_command)).exit_code == 0)


class ContainerKafka(ContainerServer):
    """One KRaft node of the public image."""

    def __init__(self) -> None:
        port = free_port()
        self.bootstrap = f"{LOOPBACK}:{port}"
        tool = "/opt/kafka/bin/kafka-topics.sh"
        self.ready_command = (tool, "--bootstrap-server", self.bootstrap, "--list")
        super().__init__(DockerContainer(KAFKA_IMAGE).with_bind_ports(port, port).with_envs(**_kafka_variables(port)), port)


class ContainerPostgres(ContainerServer):
    """One server of the public image."""

    ready_command = ("pg_isready", "--host=127.0.0.1", f"--username={ADMIN}")

    def __init__(self, secrets: Secrets) -> None:
        port = free_port()
        password = secrets.passwords[ADMIN]
        self.url = database_url(ADMIN, password, ADMIN, port=port)
        container = DockerContainer(POSTGRES_IMAGE).with_bind_ports(5432, port).with_env("POSTGRES_PASSWORD", password)
        super().__init__(container.with_command("postgres -c max_connections=300"), port)


def _kafka_variables(port: int) -> dict[str, str]:
    """Return the image's variables: the same port inside and outside, so that one advertised address serves both."""
    properties = {
        "node.id": "1",
        "process.roles": "broker,controller",
        "controller.quorum.voters": f"1@localhost:{CONTROLLER_PORT}",
        "controller.listener.names": "CONTROLLER",
        "listeners": f"PLAINTEXT://:{port},CONTROLLER://:{CONTROLLER_PORT}",
        "advertised.listeners": f"PLAINTEXT://{LOOPBACK}:{port}",
        "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
        **ONE_NODE,
        **KAFKA_SETTINGS,
    }
    return {f"KAFKA_{name.upper().replace('.', '_')}": value for name, value in properties.items()}
