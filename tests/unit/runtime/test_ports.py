import socket
from collections.abc import Iterator

import pytest

from rintis.runtime.errors import CannotStart
from rintis.runtime.ports import choose_port, free_port


@pytest.fixture
def taken() -> Iterator[int]:
    """A port on which somebody listens."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", free_port()))
        listener.listen()
        yield listener.getsockname()[1]


def test_a_taken_port_that_was_asked_for_is_reported_with_what_to_do(taken: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RINTIS_PORT_CONSOLE", str(taken))
    with pytest.raises(CannotStart, match=rf"Port {taken} for console[\s\S]*RINTIS_PORT_CONSOLE to another port"):
        choose_port("console", 8100)


def test_a_usual_port_that_is_taken_moves_by_itself(taken: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RINTIS_PORT_CONSOLE", raising=False)
    assert choose_port("console", taken) != taken


def test_a_free_port_that_was_asked_for_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = free_port()
    monkeypatch.setenv("RINTIS_PORT_KAFKA", str(wanted))
    assert choose_port("kafka", 19092) == wanted


def test_ports_chosen_one_after_the_other_are_all_different() -> None:
    chosen = [free_port() for _ in range(1_000)]
    assert len(set(chosen)) == len(chosen)
