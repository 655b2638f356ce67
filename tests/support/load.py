"""Realistic impressions: retries, double fires, strays, packed records and rubbish among valid flushes."""

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from random import Random
from typing import Any, NamedTuple

import orjson
from confluent_kafka import Producer

from oracle.log import QUIET
from oracle.murmur import home_of
from streams.kafka.names import IMPRESSIONS
from streams.settings import Settings

PARTITIONS = 4
FLUSH_SECONDS = 60.0
ARTWORKS = 200
HOUR_MS = 3_600_000


class Raw(NamedTuple):
    """A record for a partition of `impressions.v1`."""

    partition: int
    value: bytes | None


@dataclass(frozen=True)
class Shape:
    """The shape of the load. Shares are of lines, except `doubles`, which is a share of impressions."""

    impressions: tuple[int, int] = (5, 15)
    """The fewest and most impressions of a flush, not counting double fires."""
    packed: float = 0.1
    """Records that hold several lines."""
    retries: float = 0.1
    """Exact repetitions of earlier lines."""
    doubles: float = 0.1
    strays: float = 0.05
    """Records that are not in their first user's partition."""
    rubbish: float = 0.01
    """Records with a line that can't be read."""
    untimely: float = 0.05
    """Flushes with a future, an old and an impossible impression."""
    clock_ms: int = 0
    """How far the producers' clocks are ahead of the broker's (ms)."""


USUAL = Shape()


def now_ms() -> int:
    """The clock, shared with the broker: ms since the epoch."""
    return int(time.time() * 1000)


def impression(artwork_id: str, seen_at: int, **more: Any) -> dict[str, Any]:
    """An impression; its id is derived from the other fields unless `more` sets one."""
    return {"impression_id": f"i-{artwork_id}-{seen_at}", "artwork_id": artwork_id, "seen_at": seen_at, **more}


def flush(user_id: str, impressions: Sequence[Any], **more: Any) -> bytes:
    """A flush as a line."""
    head = {"v": 1, "flush_id": f"f-{user_id}", "user_id": user_id, "sent_at": now_ms()}
    return orjson.dumps({**head, "impressions": impressions, **more})


def home(user_id: str) -> int:
    """The user's partition."""
    return home_of(user_id, PARTITIONS)


def user_at(partition: int, name: str) -> str:
    """A user of that partition; the same name always gives the same user."""
    return next(user for n in count() if home(user := f"{name}-{n}") == partition)


def at_home(user_id: str, line: bytes) -> Raw:
    """A record in its user's partition."""
    return Raw(home(user_id), line)


def load(rng: Random, name: str, impressions: float, users: int = 100, shape: Shape = USUAL) -> Iterator[Raw]:
    """Yield records with about this many impressions of users with that name, timed as they are drawn."""
    sent: list[tuple[int, bytes]] = []
    done = 0
    while done < impressions:
        count = rng.randint(2, 8) if rng.random() < shape.packed else 1
        lines = [_line(rng, name, users, sent, shape) for _ in range(count)]
        partition = lines[0][0]
        done += 12 * len(lines)
        if rng.random() < shape.rubbish:
            lines.append((partition, rng.choice((b"", b"{", b"[]", b"\xff", b'{"v":2}'))))
        if rng.random() < shape.strays:
            partition = (partition + rng.randint(1, PARTITIONS - 1)) % PARTITIONS
        yield Raw(partition, b"\n".join(line for _, line in lines))


def _line(rng: Random, name: str, users: int, sent: list[tuple[int, bytes]], shape: Shape) -> tuple[int, bytes]:
    if sent and rng.random() < shape.retries:
        return rng.choice(sent)
    user_id, now = f"{name}-{rng.randrange(users)}", now_ms() + shape.clock_ms
    seen: list[dict[str, Any]] = []
    for _ in range(rng.randint(*shape.impressions)):
        # Squared: some artworks come up again and again, most don't.
        artwork_id = f"a{int(ARTWORKS * 1.1 * rng.random() ** 2):04d}"
        seen.append(impression(artwork_id, now - rng.randrange(6 * HOUR_MS), pool_id="main", position=rng.randrange(9)))
        if rng.random() < shape.doubles:
            double = seen[-1]["seen_at"] + rng.randint(20, 90)
            seen.append(impression(artwork_id, double, impression_id=f"d-{rng.getrandbits(64):x}"))
    if rng.random() < shape.untimely:
        seen.append(impression("a0001", now + HOUR_MS))  # future
        seen.append(impression("a0002", now - 48 * HOUR_MS))  # late, if the artwork was seen before
        seen.append(impression("a0003", -1))
    line = flush(user_id, seen, flush_id=f"f-{rng.getrandbits(64):x}", experiments={"flush": "2s"})
    sent.append((home(user_id), line))
    return sent[-1]


def produce(settings: Settings, records: Iterable[Raw]) -> None:
    """Produce records, and return once the broker has acknowledged all of them."""
    producer = Producer(
        {
            **QUIET,
            "bootstrap.servers": settings.kafka_bootstrap,
            "enable.idempotence": True,
            "linger.ms": 2,
            "message.max.bytes": 4 * 1024 * 1024,
        }
    )
    for partition, value in records:
        producer.produce(IMPRESSIONS, value, partition=partition)
        producer.poll(0)
    assert producer.flush(FLUSH_SECONDS) == 0
