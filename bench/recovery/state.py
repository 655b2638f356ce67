"""The state of a day of impressions, put into the changelogs without deciding them.

The values are the worker's own: it decides some flushes in memory, and what it would store for them is stored for
every user and window, each under its own key. The keys are made as the worker makes them. Two things differ from a
state made in operation: values repeat after a thousand others, far beyond what compression looks back over; and
nothing was ever written twice, so this is what compaction leaves.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from confluent_kafka import Producer

from bench.lib.backlog import ARTWORKS, POOL, Record, Seen, artwork_id
from bench.lib.users import user_id
from bench.lib.worker import Out
from impression_streams.client import connection
from streams.core.catalogue import Catalogue
from streams.core.chunk import Decider, SourceRecord
from streams.core.judge import Rules
from streams.core.partitioner import partition_of
from streams.errors import UserError
from streams.kafka.names import changelog
from streams.settings import Settings
from streams.state.memory import MemoryStore
from streams.state.partition_state import Change, State, Table, window_key
from streams.state.position import Position

TEMPLATES = 1_000
FLUSH_SECONDS = 300.0
POLL_EVERY = 1_000
TELL_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Load:
    """Impressions a minute, of users who each see ten artworks in a window and then come back later."""

    users: int
    per_minute: int
    per_visit: int = 10

    def visitors(self, window_ms: int) -> int:
        """The number of users in one window."""
        return min(self.users, self.per_minute * window_ms // 60_000 // self.per_visit)

    def seen(self) -> int:
        """The number of artworks that a user has seen after a day."""
        return min(ARTWORKS, max(self.per_visit, self.per_minute * 24 * 60 // self.users))

    def who(self, window: int, window_ms: int) -> Iterator[int]:
        """Yield the users of a window; the next window has the next users."""
        count = self.visitors(window_ms)
        first = window * count
        return ((first + number) % self.users for number in range(count))


def templates(settings: Settings, impressions: int, seed: int) -> tuple[list[bytes], list[bytes]]:
    """Return what the worker stores for a flush of that many artworks in one window: window values, coverage values."""
    catalogue = Catalogue()
    for ordinal in range(ARTWORKS):
        catalogue.apply(artwork_id(ordinal).encode(), b'{"pool_id":"%s","ordinal":%d}' % (POOL.encode(), ordinal))
    state = State(MemoryStore())
    state.load(catalogue)
    position = Position("template", 0, settings.window_ms, 1)
    state.position = position
    rules = Rules(settings.window_ms, settings.lateness_ms, settings.tolerance_ms)
    decider = Decider("template", 0, 1, rules, state, catalogue)
    rng, start = Random(seed), 1_000 * settings.window_ms
    records = []
    for user in range(TEMPLATES):
        times = sorted(rng.randrange(settings.window_ms) for _ in range(impressions))
        seen = tuple(
            map(Seen, [user] * impressions, rng.sample(range(ARTWORKS), impressions), (start + t for t in times))
        )
        records.append(SourceRecord(user, start + settings.window_ms, Record(user, seen).value()))
    decider.decide(records, start)
    changes = state.changes(position)
    return values_of(changes, Table.WINDOWS), values_of(changes, Table.COVERAGE)


def values_of(changes: list[Change], table: Table) -> list[bytes]:
    """Return the values of a table's users, without those of no user: their keys begin with a byte that no id has."""
    special = b"\x00" if table is Table.COVERAGE else b"no key begins so"
    return [
        change.value
        for change in changes
        if change.table is table and change.value is not None and not change.key.startswith(special)
    ]


class Builder:
    """Writes a load's state, each window once, going back into the past; it can continue with more windows."""

    def __init__(self, settings: Settings, load: Load, partitions: int, now: int, out: Out) -> None:
        self._settings, self._load, self._out = settings, load, out
        self._newest = now // settings.window_ms
        self._windows = 0
        names = [user_id(user) for user in range(load.users)]
        self._users = [(name.encode(), partition_of(name, partitions)) for name in names]
        self._names = names
        self._window_values, _ = templates(settings, load.per_visit, 1)
        _, self._coverage_values = templates(settings, load.seen(), 2)
        self.entries = self.buckets = 0
        self._producer = Producer(
            {
                **connection(settings.kafka_bootstrap),
                "enable.idempotence": True,
                # As in the worker.
                "compression.type": "lz4",
                "linger.ms": 5,
                "queue.buffering.max.messages": 500_000,
            }
        )

    def users(self) -> None:
        """Write what each user has ever seen: once, first."""
        values = self._coverage_values
        self._produce(
            Table.COVERAGE, ((number, key, values[at % TEMPLATES]) for at, (key, number) in enumerate(self._users))
        )
        self._flush()

    def until(self, windows: int) -> None:
        """Write windows until there are that many, the newest first."""
        told = time.monotonic()
        for window in range(self._windows, windows):
            who = list(self._load.who(window, self._settings.window_ms))
            self._produce(Table.WINDOWS, self._window(window, who))
            self.buckets += len(who)
            self.entries += len(who) * self._load.per_visit
            if time.monotonic() - told > TELL_SECONDS:
                told = time.monotonic()
                self._out(f"  {window + 1} of {windows} windows, {self.entries:,} impressions")
        self._windows = max(windows, self._windows)
        self._flush()

    def _window(self, window: int, who: list[int]) -> Iterator[tuple[int, bytes, bytes]]:
        values, start = self._window_values, (self._newest - window) * self._settings.window_ms
        for at, user in enumerate(who):
            yield self._users[user][1], window_key(start, self._names[user]), values[(window + at) % TEMPLATES]

    def _produce(self, table: Table, changes: Iterator[tuple[int, bytes, bytes]]) -> None:
        producer, topic = self._producer, changelog(table)
        for count, (number, key, value) in enumerate(changes):
            while True:
                try:
                    producer.produce(topic, value, key, number)
                    break
                except BufferError:
                    producer.poll(0.05)
            if not count % POLL_EVERY:
                producer.poll(0)

    def _flush(self) -> None:
        if self._producer.flush(FLUSH_SECONDS):
            raise UserError("The broker did not accept the state.")
