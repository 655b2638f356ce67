"""Users with state: one flush each, many packed into a record as the collector does, the same in every run."""

from collections.abc import Iterator
from typing import NamedTuple

import orjson
from confluent_kafka import Producer

from bench.lib.backlog import ARTWORKS, POOL, artwork_id
from streams.core.partitioner import partition_of
from streams.errors import UserError
from streams.kafka.names import IMPRESSIONS
from streams.settings import Settings

IMPRESSIONS_A_USER = 5
# Flushes per record: about 25 KB, so a few records hold many users.
FLUSHES_A_RECORD = 50
# Between two impressions of a flush: a user looks at an artwork for some seconds.
APART_MS = 3_000
# If the broker takes longer for what is left in the producer, it hangs.
FLUSH_SECONDS = 300.0
# The number of records between two polls for the producer's delivery reports.
POLL_EVERY = 100


class Packed(NamedTuple):
    """A record of `impressions.v1` for a partition."""

    partition: int
    value: bytes


def user_id(user: int) -> str:
    """Return the id of the user with this number."""
    return f"u{user:07d}"


def flush(user: str, first: int, at: int) -> bytes:
    """Return a flush of a user who sees five artworks in a row from `at` on (ms); the first has the ordinal `first`."""
    return orjson.dumps(
        {
            "v": 1,
            "flush_id": f"f-{user}-{at}",
            "user_id": user,
            "sent_at": at + IMPRESSIONS_A_USER * APART_MS,
            "impressions": [
                {
                    "impression_id": f"i-{user}-{at}-{index}",
                    "artwork_id": artwork_id((first + index) % ARTWORKS),
                    "seen_at": at + index * APART_MS,
                    "pool_id": POOL,
                }
                for index in range(IMPRESSIONS_A_USER)
            ],
        }
    )


def packed(users: int, partitions: int, start_ms: int, span_ms: int) -> Iterator[Packed]:
    """Yield records with one flush of each user; their times spread over `span_ms` from `start_ms` on."""
    waiting: list[list[bytes]] = [[] for _ in range(partitions)]
    for user in range(users):
        name = user_id(user)
        number = partition_of(name, partitions)
        lines = waiting[number]
        lines.append(flush(name, user, start_ms + span_ms * user // users))
        if len(lines) == FLUSHES_A_RECORD:
            yield Packed(number, b"\n".join(lines))
            lines.clear()
    yield from (Packed(number, b"\n".join(lines)) for number, lines in enumerate(waiting) if lines)


def probes(round_: int, partitions: int, at: int) -> list[Packed]:
    """Return one flush for each partition, of users who occur nowhere else: what a started worker decides first."""
    names: dict[int, str] = {}
    user = 0
    while len(names) < partitions:
        name = f"probe-{round_}-{user}"
        names.setdefault(partition_of(name, partitions), name)
        user += 1
    return [Packed(number, flush(name, 0, at)) for number, name in sorted(names.items())]


def produce(settings: Settings, records: Iterator[Packed] | list[Packed]) -> None:
    """Write records, and return once the broker has all of them. Raises UserError if it does not accept them."""
    producer = Producer(
        {
            "bootstrap.servers": settings.kafka_bootstrap,
            "enable.idempotence": True,
            "compression.type": "lz4",
            "linger.ms": 20,
            "message.max.bytes": 4 * 1024 * 1024,
            # What waits to be sent takes memory, and a million users' flushes are half a gigabyte.
            "queue.buffering.max.kbytes": 64 * 1024,
        }
    )
    failed = 0

    def delivered(error: object, _: object) -> None:
        nonlocal failed
        failed += error is not None

    for number, record in enumerate(records):
        while True:
            try:
                producer.produce(IMPRESSIONS, record.value, partition=record.partition, on_delivery=delivered)
                break
            except BufferError:
                producer.poll(0.1)
        if not number % POLL_EVERY:
            producer.poll(0)
    left = producer.flush(FLUSH_SECONDS)
    if left or failed:
        raise UserError(f"The broker did not accept the records: {left} are left, {failed} failed.")
