"""Other sizes than usual: installations with more partitions, another window; backlogs of other users and records."""

import re
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random

import orjson
from confluent_kafka import Producer

from bench.lib.backlog import ARTWORKS, POOL, SPAN_MS, Record, Seen, artwork_id, user_id
from bench.lib.broker import write
from bench.lib.users import FLUSHES_A_RECORD, Packed
from bench.lib.users import produce as produce_packed
from impression_streams.client import connection
from streams.core.partitioner import partition_of
from streams.errors import UserError
from streams.kafka.admin import admin, describe
from streams.kafka.names import ARTWORKS as CATALOGUE
from streams.kafka.names import IMPRESSIONS
from streams.paths import project_path
from streams.provision import topics_file
from streams.provision.first_position import ensure_first_position
from streams.provision.topics import provision_kafka
from streams.settings import Settings

SEED = 20_241_124
# As in the usual backlog: one record in ten is an exact retry within 5,000 records.
RETRIED, RETRY_WITHIN = 0.1, 5_000
# Between two impressions of a flush (ms).
APART_MS = 500
# A broker forgets a topic only when its controller notifies it.
ANSWER_SECONDS = 60.0
POLL_SECONDS = 0.1
COUNT = re.compile(r"(&source_partitions) \d+")


@dataclass(frozen=True, slots=True)
class Shape:
    """What a worker has to handle; the usual shape by default."""

    partitions: int = 4
    workers: int = 1
    users: int = 10_000
    artworks: int = ARTWORKS
    window_seconds: int = 600
    size: int = 1

    def __str__(self) -> str:
        window = f"window {self.window_seconds} s, {self.size} a record"
        counted = (
            f"{self.partitions} partitions, {self.workers} worker(s), {self.users:,} users, {self.artworks:,} artworks"
        )
        return f"{counted}, {window}"

    @property
    def usual(self) -> bool:
        """Whether an installation as provisioned suffices."""
        return (self.partitions, self.window_seconds) == (4, 600)


def installation(settings: Settings, shape: Shape) -> Settings:
    """Re-create a broker's topics for the shape, and write its catalogue; return the settings for it.

    Both are fixed at the first provisioning, so nothing may have worked on them yet.
    """
    if not shape.usual:
        settings = settings.model_copy(
            update={
                "topics_file": declared(settings.data_dir, shape.partitions),
                "dedupe_window_seconds": shape.window_seconds,
            }
        )
        wanted = topics_file.load(settings)
        _delete_topics(settings)
        provision_kafka(settings, wanted, False, lambda _: None)
        ensure_first_position(settings, describe(settings, IMPRESSIONS))
    write(settings, [])
    _more_artworks(settings, shape.artworks)
    return settings


def preload(settings: Settings, shape: Shape, now: int) -> int:
    """Write one impression of each user, packed, so all have state before measuring starts. Return how many."""
    waiting: list[list[bytes]] = [[] for _ in range(shape.partitions)]

    def packed() -> Iterator[Packed]:
        for user in range(shape.users):
            number = partition_of(user_id(user), shape.partitions)
            lines = waiting[number]
            seen = Seen(user, user % shape.artworks, now - 3 * SPAN_MS + SPAN_MS * user // shape.users)
            lines.append(Record(-1 - user, (seen,)).value())
            if len(lines) == FLUSHES_A_RECORD:
                yield Packed(number, b"\n".join(lines))
                lines.clear()
        yield from (Packed(number, b"\n".join(lines)) for number, lines in enumerate(waiting) if lines)

    produce_packed(settings, packed())
    return shape.users


def backlog(shape: Shape, impressions: int, now: int) -> Iterator[Record]:
    """Yield records of exactly `size` impressions of one user each, that many impressions in all; their hour is over.

    The artworks of a record differ. Equal arguments give equal records.
    """
    rng = Random(SEED)
    recent: deque[Record] = deque(maxlen=RETRY_WITHIN)
    start = now - SPAN_MS - APART_MS * shape.size
    count = impressions // shape.size
    for number in range(count):
        if recent and rng.random() < RETRIED:
            yield recent[rng.randrange(len(recent))]
            continue
        user, at = rng.randrange(shape.users), start + SPAN_MS * number // count
        artworks = rng.sample(range(shape.artworks), shape.size)
        record = Record(number, tuple(Seen(user, each, at + APART_MS * place) for place, each in enumerate(artworks)))
        recent.append(record)
        yield record


def declared(folder: Path, partitions: int) -> Path:
    """Return the project's topics with another partition count of the source."""
    text, found = COUNT.subn(rf"\g<1> {partitions}", project_path("topics.yaml").read_text())
    if found != 1:
        raise UserError("topics.yaml no longer states the source's partition count in the expected form.")
    path = folder / f"topics-{partitions}.yaml"
    path.write_text(text)
    return path


def _delete_topics(settings: Settings) -> None:
    client = admin(settings.kafka_bootstrap)

    def ours() -> list[str]:
        return [name for name in client.list_topics(timeout=ANSWER_SECONDS).topics if not name.startswith("__")]

    for done in client.delete_topics(ours()).values():
        done.result(ANSWER_SECONDS)
    deadline = time.monotonic() + ANSWER_SECONDS
    while ours():
        if time.monotonic() > deadline:
            raise UserError("The broker did not delete its topics in time.")
        time.sleep(POLL_SECONDS)


def _more_artworks(settings: Settings, count: int) -> None:
    """Write the artworks beyond the usual ones to the catalogue."""
    producer = Producer({**connection(settings.kafka_bootstrap), "linger.ms": 20})
    for ordinal in range(ARTWORKS, count):
        value = orjson.dumps({"pool_id": POOL, "ordinal": ordinal})
        while True:
            try:
                producer.produce(CATALOGUE, value, key=artwork_id(ordinal), partition=0)
                break
            except BufferError:
                producer.poll(POLL_SECONDS)
    if producer.flush(ANSWER_SECONDS):
        raise UserError("The broker did not accept the catalogue.")
