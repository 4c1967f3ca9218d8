"""Which port each process gets, and what is said when one is taken."""

import os
import socket
from collections.abc import Iterator
from contextlib import closing

import pytest

from ops.errors import OpsError
from ops.settings import OpsSettings
from ops.stack import ports


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that this process listens on."""
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        yield server.getsockname()[1]


def settings(**values: object) -> OpsSettings:
    free = iter(ports.any_free() for _ in range(8))
    names = ("BACKEND", "INFERENCE", "CONSOLE", "REDIS", "MLFLOW", "PROMETHEUS", "ALERTMANAGER")
    return OpsSettings(**{**{f"{name}_PORT": next(free) for name in names}, **values})


def test_wanted_ports_are_taken_when_they_are_free() -> None:
    wanted = settings()
    chosen = ports.choose(wanted, {})
    assert (chosen.backend, chosen.inference, chosen.console, chosen.mlflow) == (
        wanted.backend_port, wanted.inference_port, wanted.console_port, wanted.mlflow_port,
    )  # fmt: skip


def test_a_taken_port_that_people_know_stops_the_start_and_names_holder_and_variable(
    taken: int,
) -> None:
    with pytest.raises(OpsError) as refused:
        ports.choose(settings(CONSOLE_PORT=taken), {})
    assert f"Port {taken}, which console wants, is taken by" in refused.value.message
    assert f"process {os.getpid()}" in refused.value.message
    assert "CONSOLE_PORT=" in refused.value.hint


def test_a_taken_port_that_nobody_knows_moves(taken: int) -> None:
    chosen = ports.choose(settings(MLFLOW_PORT=taken), {})
    assert chosen.mlflow != taken
    assert ports.is_free(chosen.mlflow)


def test_postgres_gets_the_port_of_the_last_start() -> None:
    last = ports.any_free()
    assert ports.choose(settings(), {"postgres": last}).postgres == last


def test_one_port_set_twice_is_refused() -> None:
    port = ports.any_free()
    with pytest.raises(OpsError, match="set for inference and for another"):
        ports.choose(settings(BACKEND_PORT=port, INFERENCE_PORT=port), {})


def test_auto_gives_eight_free_ports_and_asks_for_none() -> None:
    chosen = ports.choose(settings(NIVESH_PORTS="auto"), {}).as_dict()
    assert len(set(chosen.values())) == len(chosen) == 8
    assert all(ports.is_free(port) for port in chosen.values())
