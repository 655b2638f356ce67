"""When the certificates expire that our connections to Kafka and ClickHouse rely on."""

import socket
import ssl
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from streams.settings import Settings

ANSWER_SECONDS = 5.0
Address = tuple[str, int]
# Returns a time (s since the epoch); raises OSError if the certificate can't be read or isn't trusted.
Expiry = Callable[[], float]


def certificates(settings: Settings, brokers: Iterable[Address]) -> dict[str, Expiry]:
    """Return the certificates by name, as far as TLS is used: those of the servers and of their authorities' files."""
    found: dict[str, Expiry] = {}
    if settings.kafka_security_protocol.endswith("SSL"):
        found |= _of("kafka", settings.kafka_ca_file, brokers)
    if settings.clickhouse_url.startswith("https:"):
        found |= _of("clickhouse", settings.clickhouse_ca_file, [settings.clickhouse_address])
    return found


def server(address: Address, ca_file: Path | None) -> float:
    """Return when a server's certificate expires."""
    context = ssl.create_default_context(cafile=ca_file)
    # Only the date matters here: a name that doesn't fit keeps every client out, and is noticed without us.
    context.check_hostname = False
    with (
        socket.create_connection(address, ANSWER_SECONDS) as plain,
        context.wrap_socket(plain, server_hostname=address[0]) as connection,
    ):
        return _not_after(connection.getpeercert() or {})


def authority(ca_file: Path) -> float:
    """Return when the first of a file's authorities expires."""
    found = ssl.create_default_context(cafile=ca_file).get_ca_certs()
    if not found:
        raise ssl.SSLError(f"{ca_file} has no certificate of an authority")
    return min(map(_not_after, found))


def _of(name: str, ca_file: Path | None, servers: Iterable[Address]) -> dict[str, Expiry]:
    found: dict[str, Expiry] = {f"{host}:{port}": partial(server, (host, port), ca_file) for host, port in servers}
    return found if ca_file is None else {f"{name}'s authority": partial(authority, ca_file), **found}


def _not_after(certificate: Mapping[str, Any]) -> float:
    return float(ssl.cert_time_to_seconds(certificate["notAfter"]))
