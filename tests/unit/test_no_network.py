"""The guard in tests/conftest.py notices connections whose errors a test swallows."""

import socket
from contextlib import suppress

from tests.conftest import connections


def test_a_connection_is_noticed_even_if_it_fails() -> None:
    with socket.socket() as taken, socket.socket() as caller:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: refused
        with suppress(OSError):
            caller.connect(taken.getsockname())
    seen = list(connections.addresses)
    connections.forget()
    assert len(seen) == 1


def test_unix_sockets_are_not_network() -> None:
    one, other = socket.socketpair()
    with one, other:
        one.sendall(b"x")
    assert connections.addresses == []
