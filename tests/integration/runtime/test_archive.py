from pathlib import Path

from rintis.runtime.archive import class_archive, kafka_program
from rintis.runtime.kafka import KafkaPlan, KafkaServer
from rintis.runtime.ports import free_port
from rintis.runtime.progress import Steps
from rintis.runtime.state import State


def test_a_node_takes_its_classes_from_the_archive_that_an_earlier_one_wrote(tmp_path: Path) -> None:
    program = kafka_program(Steps())
    assert program.archive is not None
    state = State(tmp_path)
    with state.hold():
        node = KafkaServer(state, KafkaPlan(program, free_port(), free_port(), {}))
        node.start()
        (process,) = (found for row in state.running() if (found := row.find()))
        mapped = {area.path for area in process.memory_maps()}
        node.stop()
    assert str(program.archive) in mapped


def test_a_java_that_writes_no_archive_is_asked_once(tmp_path: Path) -> None:
    calls, java, jars = tmp_path / "calls", tmp_path / "java", tmp_path / "jars"
    java.write_text(f"#!/bin/sh\necho called >> {calls}\nexit 1\n")
    java.chmod(0o755)
    jars.mkdir()
    assert class_archive(java, jars, Steps()) is None
    asked = calls.read_text()
    assert asked
    assert class_archive(java, jars, Steps()) is None
    assert calls.read_text() == asked
