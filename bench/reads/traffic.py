"""Impressions that go on arriving while delays are measured, and a reader beside the collector that sees them pass."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count

import orjson
from confluent_kafka import Producer, TopicPartition

from bench.reads.rows import ARTWORKS, PARTITIONS
from streams.kafka.admin import watermarks
from streams.kafka.names import ACCEPTED, IMPRESSIONS
from streams.kafka.read import AT_ENDS, poll, reader
from streams.settings import Settings

USERS, EACH = 2_000, 10
POLL_SECONDS = 0.01
# Far longer than a poll takes.
STOP_SECONDS = 30.0


def producer(settings: Settings) -> Producer:
    """Return a producer that sends at once, to each user's partition."""
    return Producer({"bootstrap.servers": settings.kafka_bootstrap, "partitioner": "murmur2_random", "linger.ms": 0})


def flush(user: str, name: str, artworks: list[str]) -> bytes:
    """Return a flush of impressions that are seen now."""
    now = int(time.time() * 1000)
    seen = [{"impression_id": f"{name}-{n}", "artwork_id": each, "seen_at": now} for n, each in enumerate(artworks)]
    return orjson.dumps({"v": 1, "flush_id": name, "user_id": user, "sent_at": now, "impressions": seen})


@contextmanager
def arriving(settings: Settings, per_minute: float) -> Iterator[None]:
    """Let impressions of other users arrive, in flushes of ten, at a rate of their own."""
    stopped = threading.Event()

    def work() -> None:
        sending, begun = producer(settings), time.perf_counter()
        for number in count():
            if stopped.wait(max(0.0, begun + number * EACH * 60 / per_minute - time.perf_counter())):
                break
            user, first = f"traffic-{number % USERS}", number // USERS * EACH
            artworks = [f"a{(first + n) % ARTWORKS}" for n in range(EACH)]
            sending.produce(IMPRESSIONS, flush(user, f"traffic-{number}", artworks), key=user)
            sending.poll(0)
        sending.flush(STOP_SECONDS)

    thread = threading.Thread(target=work, name="traffic", daemon=True)
    if per_minute:
        thread.start()
    try:
        yield
    finally:
        stopped.set()
        if per_minute:
            thread.join(STOP_SECONDS)


class Passing:
    """When accepted rows were appended, and when a reader of committed records got them; by impression_id."""

    def __init__(self) -> None:
        self.seen: dict[str, tuple[float, float]] = {}
        """Both as seconds since the epoch."""
        self._stopped = threading.Event()

    @contextmanager
    def watched(self, settings: Settings, prefix: str) -> Iterator[None]:
        """Watch the impressions whose ids begin with `prefix`."""
        ends = [TopicPartition(ACCEPTED, each, watermarks(settings, ACCEPTED, each)[1]) for each in range(PARTITIONS)]
        thread = threading.Thread(target=self._watch, args=(settings, ends, prefix), name="passing", daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._stopped.set()
            thread.join(STOP_SECONDS)

    def _watch(self, settings: Settings, ends: list[TopicPartition], prefix: str) -> None:
        consumer = reader(settings, **AT_ENDS)
        consumer.assign(ends)
        while not self._stopped.is_set():
            records, now = poll(consumer, 500, POLL_SECONDS).records, time.time()
            for record in records:
                appended = record.timestamp()[1] / 1000
                for line in (record.value() or b"").split(b"\n"):
                    impression = str(orjson.loads(line)["impression_id"])
                    if impression.startswith(prefix):
                        self.seen[impression] = appended, now
        consumer.close()
