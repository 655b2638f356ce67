"""Notices connections to anything except this machine's Unix sockets, even if the error was swallowed.

It sees only Python's own sockets, not those that a C library opens itself.
"""

import socket
import sys
from typing import Any

_EVENTS = frozenset({"socket.connect", "socket.sendto", "socket.sendmsg"})


class Connections:
    """Every address that was connected or sent to since `forget`."""

    def __init__(self) -> None:
        self.addresses: list[str] = []
        sys.addaudithook(self._note)

    def forget(self) -> None:
        """Forget the addresses so far."""
        self.addresses.clear()

    def _note(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event in _EVENTS and arguments[0].family != socket.AF_UNIX:
            self.addresses.append(repr(arguments[1]))
