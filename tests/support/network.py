"""Notices connections to anything but this machine's own Unix sockets, whether or not the error was swallowed.

Python's own sockets only: what a C library opens by itself is not seen.
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
        """Begin again."""
        self.addresses.clear()

    def _note(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event in _EVENTS and arguments[0].family != socket.AF_UNIX:
            self.addresses.append(repr(arguments[1]))
