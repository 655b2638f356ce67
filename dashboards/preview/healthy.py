"""Healthy traffic for the preview: the load that the project is made for, with only the faults of a good day.

100,000 impressions a minute of 10,000 users who still have most of their pools to see and are shown nothing twice.
Clients double-fire, as browsers do; every first attempt to deliver arrives. The same pipeline as for everything else
measures the KPIs.
"""

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from random import Random

import orjson
from confluent_kafka import Producer
from rich.console import Console

from dashboards.observers import until
from demo.progress import progress
from streams.clickhouse.client import connect
from streams.errors import UserError
from streams.kafka.names import ARTWORKS
from streams.sdk import ImpressionProducer
from streams.settings import Settings

SEED = 1
USERS, POOLS = 10_000, {"main": 1_000, "extra": 400}
IMPRESSIONS_A_SECOND = 100_000 / 60
# The rate rises from a tenth within these seconds, like a day's: programs that have just started are slower.
RISE_SECONDS, SECONDS = 30.0, 150.0
# The number of artworks that a user scrolls past at once.
FEWEST, MOST = 4, 16
DOUBLE_SHARE = 0.03
# For the tiers free and pro.
TIERS = (0.8, 0.2)
# A new artwork every 43 minutes: how the pools grew in the last six weeks.
CREATED_EVERY_MS = 43 * 60_000
ACKNOWLEDGED_SECONDS = SETTLE_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Visit:
    """Artworks that a user scrolls past `at` seconds after the start; a double fire repeats one of them."""

    at: float
    user_id: str
    pool_id: str
    artworks: tuple[str, ...]


def visits(seconds: float, rng: Random) -> Iterator[Visit]:
    """Yield visits in order of time, spaced by their impressions. No two visits show a user the same artwork."""
    shown: Counter[tuple[int, str]] = Counter()
    at = 0.0
    while at < seconds:
        user, count = rng.randrange(USERS), rng.randint(FEWEST, MOST)
        (pool,) = rng.choices(list(POOLS), list(POOLS.values()))
        first = shown[user, pool]
        shown[user, pool] += count
        # Each user begins at a different place in the pool.
        seen = [artwork(pool, user * 7 + number) for number in range(first, first + count)]
        again = [each for each in seen if rng.random() < DOUBLE_SHARE]
        yield Visit(at, f"u{user:05d}", pool, (*seen, *again))
        at += count / rate(at)


def rate(at: float) -> float:
    """Return the impressions a second at a time after the start."""
    return IMPRESSIONS_A_SECOND * min(1.0, max(0.1, at / RISE_SECONDS))


def artwork(pool: str, number: int) -> str:
    """Return the id of a pool's artwork; numbers beyond the last start over."""
    return f"{pool[0]}{number % POOLS[pool]:04d}"


def play(settings: Settings, console: Console) -> None:
    """Send everything, and return once ClickHouse has it. Raises UserError if it doesn't get there."""
    _catalogue(settings)
    rng, sent = Random(SEED), 0
    kafka = settings.kafka_bootstrap
    with ImpressionProducer(kafka, tier="free") as free, ImpressionProducer(kafka, tier="pro") as pro:
        begun = time.monotonic()
        with progress(console, "playing, seconds") as update:
            for visit in visits(SECONDS, rng):
                if (wait := begun + visit.at - time.monotonic()) > 0:
                    update(round(visit.at), round(SECONDS))
                    time.sleep(wait)
                producer = rng.choices((free, pro), TIERS)[0]
                for position, each in enumerate(visit.artworks):
                    producer.record(visit.user_id, each, pool_id=visit.pool_id, position=position, visible=1.0)
                # A user who has scrolled past them leaves; else timers would send everything left at once at the end.
                producer.flush(visit.user_id)
                sent += len(visit.artworks)
    _settle(settings, sent)


def _catalogue(settings: Settings) -> None:
    producer = Producer({"bootstrap.servers": settings.kafka_bootstrap})
    created = int(time.time() * 1000)
    artworks = [(pool, number) for pool, count in POOLS.items() for number in range(count)]
    # Ordinals are unique over all pools.
    for ordinal, (pool, number) in enumerate(artworks):
        created -= CREATED_EVERY_MS
        record = {"pool_id": pool, "ordinal": ordinal, "created_at": created, "retired": False, "dna": []}
        producer.produce(ARTWORKS, key=artwork(pool, number), value=orjson.dumps(record))
        producer.poll(0)
    if producer.flush(ACKNOWLEDGED_SECONDS):
        raise UserError("Kafka did not acknowledge the catalogue; see its log.")


def _settle(settings: Settings, sent: int) -> None:
    with closing(connect(settings, "reader")) as client:
        asked = f"SELECT sum(received) - sum(forwarded) FROM {settings.clickhouse_database}.ledger"
        if not until(lambda: bool(client.query(asked).result_rows[0][0] >= sent), SETTLE_SECONDS):
            raise UserError(f"Not all of {sent} impressions have reached ClickHouse; see the worker's and sink's log.")
