"""Addresses of the embedded servers: read from the settings, and checked to be free before a start."""

import fcntl
import os
import random
import socket
import tempfile
from functools import cache
from pathlib import Path
from typing import NamedTuple

from streams.errors import UserError
from streams.runtime.loopback import is_loopback
from streams.settings import Settings

LOOPBACK = "127.0.0.1"
# Attempts to find free ports; one is enough unless most ports of the machine are in use.
ATTEMPTS = 100
# Above the well-known ports of databases and the like; Linux uses ports from 32,768 on for connections.
OWN_PORTS = (14_000, 32_000)


class Address(NamedTuple):
    """Where a server listens."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def kafka_address(settings: Settings) -> Address | None:
    """Return where the embedded broker listens; None when the setting names brokers elsewhere.

    Raises UserError when the setting is not a list of host:port.
    """
    addresses = []
    for server in settings.kafka_bootstrap.split(","):
        host, _, port = server.strip().rpartition(":")
        if not host or not port.isascii() or not port.isdigit() or not 0 < int(port) < 65_536:
            raise UserError(
                f"IMPRESSIONS_KAFKA_BOOTSTRAP is wrong: {server.strip()!r} is not host:port, as in 127.0.0.1:9092."
            )
        addresses.append(Address(host.strip("[]"), int(port)))
    return addresses[0] if len(addresses) == 1 and is_loopback(addresses[0].host) else None


def controller_address(broker: Address) -> Address:
    """Return where the broker's controller listens: on the next port, as 9093 follows 9092 by Kafka's custom."""
    if broker.port == 65_535:
        raise UserError(
            "IMPRESSIONS_KAFKA_BOOTSTRAP must leave the next port to Kafka's controller: choose below 65535."
        )
    return Address(broker.host, broker.port + 1)


def is_free(address: Address) -> bool:
    """Return whether a server could bind the address now."""
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        # As servers do: connections of a server that has just ended (TIME_WAIT) don't make the port unusable.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address.host, address.port))
        except OSError:
            return False
    return True


def require_free(address: Address, what: str, setting: str) -> None:
    """Raise UserError, which names the port and the setting to change, if something else listens there."""
    if not is_free(address):
        raise UserError(
            f"Port {address.port} of {address.host}, which {what} needs, is in use by another program: "
            f"stop that program or set {setting} to another address."
        )


def free_pair() -> int:
    """Return the first of two neighbouring free loopback ports, for a broker and its controller. See `free_block`."""
    return free_block(2)


def free_block(size: int) -> int:
    """Return the first of `size` neighbouring free loopback ports, and reserve them all for this process.

    A server binds its port seconds after the port was chosen, and again at every restart. Until this process ends,
    neither this call nor one in another process on this machine returns any of them.

    They are below the ports that the system gives to connections: a connection could take such a port before the server
    binds it. Raises UserError if none are found, on a machine that has hardly any left.
    """
    for _ in range(ATTEMPTS):
        first = random.randrange(OWN_PORTS[0], OWN_PORTS[1] - size + 1)
        block = range(first, first + size)
        if _reserved.isdisjoint(block) and all(is_free(Address(LOOPBACK, port)) for port in block) and _reserve(block):
            return first
    raise UserError(f"No {size} neighbouring free ports were found on {LOOPBACK} in {ATTEMPTS} attempts.")


# The ports of this process. Locks on a file's bytes exclude other processes, but never their own holder.
_reserved: set[int] = set()


def _reserve(block: range) -> bool:
    """Lock the bytes that stand for these ports; the system unlocks them however this process ends."""
    try:
        fcntl.lockf(_reservations(), fcntl.LOCK_EX | fcntl.LOCK_NB, len(block), block.start)
    except OSError:
        return False
    _reserved.update(block)
    return True


@cache
def _reservations() -> int:
    """Return the descriptor of the file in which this user's processes reserve ports. Closing it would release them."""
    return os.open(Path(tempfile.gettempdir(), f"impressions-ports-{os.getuid()}"), os.O_RDWR | os.O_CREAT, 0o600)
