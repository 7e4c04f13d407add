import signal
import subprocess
import sys

from rintis.runtime.ports import free_port

STUBBORN = """
import asyncio
from shared.service import Service, ServiceSettings, service

async def hang():
    await asyncio.Event().wait()

async def say():
    print("started", flush=True)

service.STOP_SECONDS = 0.5
Service("test", ServiceSettings(kafka_bootstrap_servers="127.0.0.1:1", http_port={port}), on_start=[say], on_stop=[hang]).run()
"""
SECONDS = 30.0


def test_a_stop_that_hangs_is_cut_off_within_its_bound() -> None:
    command = [sys.executable, "-c", STUBBORN.format(port=free_port())]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 - a program of ours
        assert process.stdout is not None
        assert any("started" in line for line in process.stdout)
        process.send_signal(signal.SIGTERM)
        said, _ = process.communicate(timeout=SECONDS)
    assert process.returncode == 1
    assert "stop_cut_off" in said
