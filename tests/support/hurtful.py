"""Records that a broker accepts and that are built to hurt whoever reads them: small when compressed, or many lines."""

from collections.abc import Iterable
from typing import NamedTuple

from confluent_kafka import KafkaError, Message, Producer

from oracle.log import QUIET
from streams.kafka.names import IMPRESSIONS
from streams.settings import Settings
from tests.support.load import FLUSH_SECONDS, Raw, flush, impression, now_ms

MIB = 2**20
# The client's own limit, before compression; the broker's limit is 4 MiB after it.
LARGEST_BYTES = 256 * MIB
# Of a client that sends large records compressed.
COMPRESSED: dict[str, str | int] = {
    "compression.type": "zstd",
    "message.max.bytes": LARGEST_BYTES,
    "queue.buffering.max.kbytes": 2 * LARGEST_BYTES // 1024,
}
MOST_IMPRESSIONS = 500


class Place(NamedTuple):
    """Where a record was appended."""

    partition: int
    offset: int


def line_feeds(lines: int) -> bytes:
    """A record of empty lines."""
    return b"\n" * lines


def empty_objects(size: int) -> bytes:
    """A record of lines that hold an empty object, of this many bytes."""
    return b"{}\n" * (size // 3)


def long_string(size: int) -> bytes:
    """A line of this many bytes that is one JSON object with one long string."""
    head, tail = b'{"bomb":"', b'"}'
    return head + b"x" * (size - len(head) - len(tail)) + tail


def many_numbers(size: int) -> bytes:
    """A line of about this many bytes that is one JSON object with one long array: it grows when it is parsed."""
    return b'{"bomb":[' + b"1," * (size // 2 - 6) + b"1]}"


def nested(levels: int) -> bytes:
    """A line with arrays in arrays; the object around them is the first level."""
    return b'{"bomb":' + b"[" * (levels - 1) + b"]" * (levels - 1) + b"}"


def full_flushes(user_id: str, flushes: int, name: str, artworks: int = 10**9) -> bytes:
    """A record of flushes with as many impressions as are allowed, of artworks `name-0` and so on."""
    now, lines = now_ms(), []
    for number in range(flushes):
        first = number * MOST_IMPRESSIONS
        seen = [impression(f"{name}-{(first + n) % artworks}", now - first - n) for n in range(MOST_IMPRESSIONS)]
        lines.append(flush(user_id, seen, flush_id=f"{name}-{number}"))
    return b"\n".join(lines)


def produce(settings: Settings, records: Iterable[Raw]) -> list[Place]:
    """Produce records compressed, each as a batch of its own; return their places once the broker has all of them."""
    places: list[Place] = []

    def delivered(error: KafkaError | None, message: Message) -> None:
        assert error is None, error.str()
        partition, offset = message.partition(), message.offset()
        assert partition is not None
        assert offset is not None
        places.append(Place(partition, offset))

    producer = Producer(
        {
            **QUIET,
            "bootstrap.servers": settings.kafka_bootstrap,
            "enable.idempotence": True,
            **COMPRESSED,
        }
    )
    for partition, value in records:
        producer.produce(IMPRESSIONS, value, partition=partition, on_delivery=delivered)
        assert producer.flush(FLUSH_SECONDS) == 0
    return places
