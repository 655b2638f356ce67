"""The settings of the embedded ClickHouse: where to listen, where its data is, and its limits."""

from dataclasses import dataclass
from pathlib import Path

MIB = 1 << 20


@dataclass(frozen=True)
class ServerConfig:
    """Settings of one server process. Sizes are bytes, times seconds."""

    host: str
    port: int
    path: Path
    writer_password: str
    # Names under which clients reach this server, besides localhost and addresses: host.docker.internal, for example.
    hosts: tuple[str, ...] = ()
    # HTTPS on a second port, with a certificate and its key (PEM); 0: only HTTP.
    tls_port: int = 0
    tls_certificate: Path | None = None
    tls_key: Path | None = None
    # Where a server has its native protocol: there, clients are told to use HTTP. 0: there is no such port.
    native_port: int = 0
    # chDB runs each handle's query on the engine's shared thread pool, so the number of handles limits how many
    # readers share the processor; with four, a dashboard and an analyst don't wait for each other on two cores.
    reader_handles: int = 4
    writer_handles: int = 8
    # A reader waits this long for a free handle, then gets TOO_MANY_SIMULTANEOUS_QUERIES.
    queue_seconds: float = 10.0
    # A client that neither reads its answer nor sends its body for this long loses its query.
    send_timeout_seconds: float = 30.0
    # How long a stop by SIGTERM waits for running inserts.
    stop_seconds: float = 20.0
    # Limit of a request body, before and after decompression: enough for a block of a million wide rows.
    body_bytes: int = 256 * MIB
    # Limit of SQL that is not an insert; the engine itself parses at most max_query_size (256 KiB) of it.
    query_bytes: int = 16 * MIB
    # An answer is held back up to this size, so an error before it gets its own status; the larger limit is for
    # `wait_end_of_query=1`, which asks for exactly that.
    held_bytes: int = MIB
    # ... and not longer than this: a client that shows rows as they come shouldn't wait for slow ones.
    held_seconds: float = 0.5
    waited_bytes: int = 64 * MIB
