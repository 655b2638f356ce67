"""Addresses of the embedded servers: read from the settings, and checked to be free before a server starts."""

import ipaddress
import random
import socket
from typing import NamedTuple

from streams.errors import UserError
from streams.settings import Settings

LOOPBACK = "127.0.0.1"
# Tries at a free pair of ports; one is enough on a machine that is not full of listeners.
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
    """Return a loopback port that is free, as is the next one: a broker's and its controller's.

    Below the ports that connections of this machine are given, any of which may take one away before it is bound.
    Raises UserError when none is found, on a machine that has hardly any left.
    """
    for _ in range(ATTEMPTS):
        port = random.randrange(*OWN_PORTS)
        if is_free(Address(LOOPBACK, port)) and is_free(Address(LOOPBACK, port + 1)):
            return port
    raise UserError(f"No two neighbouring free ports were found on {LOOPBACK} in {ATTEMPTS} attempts.")
