"""librdkafka's settings: those that the producer's promises depend on, and the caller's own."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from confluent_kafka import KafkaError, KafkaException, Producer

from impression_streams.encode import MAX_BATCH_BYTES
from impression_streams.log import LibrdkafkaLog

Config = Mapping[str, str | int]

# Changing any of these would break a promise of ImpressionProducer.
FIXED: dict[str, str | int | bool] = {
    # The broker drops what librdkafka sends twice, and keeps the order within a partition.
    "enable.idempotence": True,
    "acks": "all",
    # Places a key as Kafka's Java clients do, and a user as the worker expects (streams/core/partitioner.py).
    "partitioner": "murmur2_random",
    "message.max.bytes": MAX_BATCH_BYTES,
}
# Other names of these settings, and settings that have their own parameter or make no sense here.
RESERVED = {
    *FIXED,
    "request.required.acks",
    "bootstrap.servers",
    "metadata.broker.list",
    "compression.type",
    "compression.codec",
    "linger.ms",
    "queue.buffering.max.ms",
    "message.timeout.ms",
    "delivery.timeout.ms",
    "transactional.id",
    "delivery.report.only.error",
    "on_delivery",
    "error_cb",
}
# How long a client may be without metadata before it returns to the bootstrap servers (ms). A broker that hung (its
# machine was paused) may report no brokers at all while it is fenced. A client that believes this has no broker left to
# ask, and by default waits for five minutes (upstream/librdkafka_no_brokers.py).
REBOOTSTRAP_MS = 10_000
# How long a topic may be unknown before what was sent to it is reported as failed (ms), and then sent again. A new
# topic is known everywhere within a second; librdkafka's 30 s would leave a wrong name unnoticed for so long.
PROPAGATION_MS = 2_000
EXPECTED = "host:port, with commas between several (kafka1:9092,kafka2:9092)"
PROTOCOLS = {"plaintext", "ssl", "sasl_plaintext", "sasl_ssl"}
# librdkafka logs a line for each failed connection; the callback reports such errors instead. The only line left, a
# client's fatal error, would go to the host's stderr.
QUIET: dict[str, Any] = {"log_level": 2, "logger": LibrdkafkaLog()}


@dataclass(frozen=True, slots=True)
class ClientOptions:
    """How to reach the brokers; `try_seconds` is how long librdkafka itself tries before it reports a failure."""

    bootstrap: str
    compression: str
    linger_ms: float
    try_seconds: float
    config: Config


def connection(bootstrap: str) -> dict[str, str | int | float | bool]:
    """Return the part of a client's configuration that says where the brokers are."""
    return {"bootstrap.servers": bootstrap, "metadata.recovery.rebootstrap.trigger.ms": REBOOTSTRAP_MS}


def check_bootstrap(bootstrap: object) -> None:
    """Raise ValueError, with what is expected, unless `bootstrap` is a list of host:port as librdkafka reads it."""
    if not isinstance(bootstrap, str):
        raise ValueError(f"bootstrap: a string is expected, as {EXPECTED}, not {type(bootstrap).__name__}")
    for address in bootstrap.split(","):
        protocol, has_protocol, rest = address.strip().rpartition("://")
        if has_protocol and protocol.lower() not in PROTOCOLS:
            raise ValueError(f"bootstrap: {address.strip()!r} is a URL; brokers are named {EXPECTED}")
        host, has_port, port = rest.rpartition(":") if not rest.endswith("]") else (rest, "", "")
        if not (host if has_port else rest) or any(c in rest for c in " /?#@\t\n"):
            raise ValueError(f"bootstrap: {address.strip()!r} is not an address; brokers are named {EXPECTED}")
        if has_port and not (port.isascii() and port.isdigit() and 1 <= int(port) <= 65535):
            raise ValueError(
                f"bootstrap: {address.strip()!r} has no port from 1 to 65535; brokers are named {EXPECTED}"
            )


def connect(options: ClientOptions, on_error: Callable[[KafkaError], None]) -> Producer:
    """Return a client. Raises ValueError for a setting that is unknown to librdkafka or reserved.

    No connection is made yet: a broker that is down shows later, as errors and unacknowledged flushes.
    """
    if taken := sorted(RESERVED & options.config.keys()):
        raise ValueError(f"config: {', '.join(taken)} can't be set here, the producer's promises depend on it")
    settings: dict[str, Any] = {
        **QUIET,
        **connection(options.bootstrap),
        "topic.metadata.propagation.max.ms": PROPAGATION_MS,
        **options.config,
        **FIXED,
        "compression.type": options.compression,
        "linger.ms": options.linger_ms,
        "message.timeout.ms": int(options.try_seconds * 1000),
        "error_cb": on_error,
    }
    try:
        return Producer(settings)
    except KafkaException as error:
        raise ValueError(f"config: {error.args[0].str()}") from None
