"""Records that are small on their way and large when unpacked, or full of lines, or costly to read."""

from collections.abc import Callable

from confluent_kafka import Producer

from streams.kafka.names import IMPRESSIONS
from streams.settings import Settings

MIB = 1024 * 1024
# The broker's limit for a batch, less what a batch adds.
MOST = 4 * MIB - 1024

# By name: the codec, and the value.
RECORDS: dict[str, tuple[str, Callable[[], bytes]]] = {
    "300,000 line feeds": ("zstd", lambda: b"\n" * 300_000),
    "4 MiB of line feeds": ("none", lambda: b"\n" * MOST),
    "20 million line feeds": ("zstd", lambda: b"\n" * 20_000_000),
    "a line of 64 MiB in zstd": ("zstd", lambda: b'{"a":"' + b"x" * (64 * MIB) + b'"}'),
    "a line of 64 MiB in lz4": ("lz4", lambda: b'{"a":"' + b"x" * (64 * MIB) + b'"}'),
    "a line of 64 MiB in gzip": ("gzip", lambda: b'{"a":"' + b"x" * (64 * MIB) + b'"}'),
    "4 MiB of objects": ("none", lambda: b'{"a":[' + b"{}," * (MOST // 3 - 10) + b"{}]}"),
    "lines of 22 MiB": ("zstd", lambda: b"\n".join([b'{"a":"' + b"x" * (22 * MIB) + b'"}'] * 3)),
    "lines of 22 MiB of objects": ("zstd", lambda: b"\n".join([b'{"a":[' + b"{}," * (22 * MIB // 3) + b"{}]}"] * 3)),
    "wrong lines of 22 MiB": ("lz4", lambda: b"\n".join([b"\xff" * (22 * MIB)] * 3)),
}


def produce(settings: Settings, partition: int, codec: str, value: bytes) -> None:
    """Produce one record, compressed as told. Fails if the broker doesn't take it."""
    failed: list[object] = []
    producer = Producer(
        {
            "bootstrap.servers": settings.kafka_bootstrap,
            "compression.type": codec,
            "message.max.bytes": 1_000_000_000,
            "queue.buffering.max.kbytes": 1_000_000,
            "linger.ms": 0,
        }
    )
    producer.produce(
        IMPRESSIONS, value, partition=partition, on_delivery=lambda error, _: failed.append(error) if error else None
    )
    assert producer.flush(60.0) == 0
    assert not failed, failed


def peak_mib(pid: int) -> int:
    """Return the most memory that a process has had (MiB)."""
    with open(f"/proc/{pid}/status") as status:
        line = next(line for line in status if line.startswith("VmHWM:"))
    return int(line.split()[1]) // 1024
