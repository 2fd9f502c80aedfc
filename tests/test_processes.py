"""Ports of this machine: one that is chosen for a server stays free until the server listens."""

import socket
from contextlib import ExitStack

import pytest

from rc2hub.processes import free_ports, reserved

OTHERS = 500
"""Ports that other programs ask for. Linux has about 14 000 for them, so some would be among 200 that are not kept."""


def test_no_other_program_gets_a_port_that_was_chosen():
    chosen = free_ports(200)
    with ExitStack() as others:
        for _ in range(OTHERS):
            other = others.enter_context(socket.socket())
            other.bind(("127.0.0.1", 0))
            assert other.getsockname()[1] not in chosen


def test_a_server_listens_on_a_port_that_was_chosen():
    (port,) = free_ports(1)
    with socket.create_server(("127.0.0.1", port)):
        pass


def test_a_server_listens_on_a_reserved_port():
    (port,) = free_ports(1)
    with reserved(port), socket.create_server(("127.0.0.1", port)):
        pass


def test_a_port_on_which_a_server_listens_cannot_be_reserved():
    with socket.create_server(("127.0.0.1", 0)) as server, pytest.raises(OSError, match="in use"):
        reserved(server.getsockname()[1])
