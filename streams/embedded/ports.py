"""Addresses of the embedded servers: read from the settings, and checked to be free before a server starts."""

import fcntl
import ipaddress
import os
import random
import socket
import tempfile
from functools import cache
from pathlib import Path
from typing import NamedTuple

from streams.errors import UserError
from streams.settings import Settings

LOOPBACK = "127.0.0.1"
# Tries at free ports; one is enough on a machine that is not full of listeners.
ATTEMPTS = 100
# Above the well-known ones of databases and the like; Linux gives connections those from 32,768 on.
OWN_PORTS = (14_000, 32_000)


class Address(NamedTuple):
    """Where a server listens."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def is_loopback(host: str) -> bool:
    """Say whether a host name or address can only mean this machine; names other than localhost are not asked."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def kafka_address(settings: Settings) -> Address | None:
    """Return where the embedded broker listens; None when the setting names brokers that are not this machine's.

    Raises UserError when the setting is no list of host:port.
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
    """Return where the broker's controller half listens: the next port, because 9093 beside 9092 is Kafka's custom."""
    if broker.port == 65_535:
        raise UserError(
            "IMPRESSIONS_KAFKA_BOOTSTRAP must leave the next port to Kafka's controller: choose below 65535."
        )
    return Address(broker.host, broker.port + 1)


def is_free(address: Address) -> bool:
    """Say whether a server could bind the address now."""
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        # As servers do: connections of a server that has just gone (TIME_WAIT) are no reason to refuse.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address.host, address.port))
        except OSError:
            return False
    return True


def require_free(address: Address, what: str, setting: str) -> None:
    """Raise UserError that names the port and the setting to change when something else listens there."""
    if not is_free(address):
        raise UserError(
            f"Port {address.port} of {address.host}, which {what} needs, is in use by another program: "
            f"stop that program or set {setting} to another address."
        )


def free_pair() -> int:
    """Return a loopback port that is free, as is the next one: a broker's and its controller's. See `free_block`."""
    return free_block(2)


def free_block(size: int) -> int:
    """Return the first of so many neighbouring loopback ports that are free, and reserve them for this process.

    A server binds its port seconds after the port was drawn, and again whenever it is started again. Until this process
    ends, neither it nor another one on this machine is given any of them.

    They are below the ports that connections of this machine are given, any of which may take one away before it is
    bound. Raises UserError when none are found, on a machine that has hardly any left.
    """
    for _ in range(ATTEMPTS):
        first = random.randrange(OWN_PORTS[0], OWN_PORTS[1] - size + 1)
        block = range(first, first + size)
        if _reserved.isdisjoint(block) and all(is_free(Address(LOOPBACK, port)) for port in block) and _reserve(block):
            return first
    raise UserError(f"No {size} neighbouring free ports were found on {LOOPBACK} in {ATTEMPTS} attempts.")


# What this process was given. Locks on a file's bytes hold off other processes, never the one that has them.
_reserved: set[int] = set()


def _reserve(block: range) -> bool:
    """Lock the bytes that stand for these ports; the system unlocks them when this process ends, however it does."""
    try:
        fcntl.lockf(_reservations(), fcntl.LOCK_EX | fcntl.LOCK_NB, len(block), block.start)
    except OSError:
        return False
    _reserved.update(block)
    return True


@cache
def _reservations() -> int:
    """The descriptor of the file in which processes of this user reserve ports. Closing it would give them back."""
    return os.open(Path(tempfile.gettempdir(), f"impressions-ports-{os.getuid()}"), os.O_RDWR | os.O_CREAT, 0o600)
