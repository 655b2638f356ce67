"""A log, a ClickHouse that the sink fills, and a recount of them as plainly as possible: what reads must say."""

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from streams.collector.reads.rows import Row
from streams.collector.reads.seen import HOUR_MS, PoolCoverage, SeenRows
from streams.collector.reads.timeline import Key, Rows
from streams.core.partitioner import partition_of
from tests.support.reads import NOW

PARTITIONS = 2
USERS = ["u1", "u2", "u5"]  # of both partitions
ARTWORKS = [f"a{n}" for n in range(6)]
POOLS = ["p", "q"]
# What a user looks at: artworks, and when, in minutes before or after now.
Shown = Sequence[tuple[str, int]]


@dataclass
class Record:
    offset: int
    rows: list[Row]


@dataclass
class Table:
    """What ClickHouse holds of a partition's log: records up to a position, some of them twice."""

    position: int = 0
    records: list[Record] = field(default_factory=list)

    def insert(self, records: Iterable[Record]) -> None:
        for record in records:
            self.records.append(record)
            self.position = record.offset + 1

    def merge(self) -> None:
        self.records = list({record.offset: record for record in self.records}.values())

    def rows(self, user_id: str) -> list[Row]:
        return [row for record in self.records for row in record.rows if row.user_id == user_id]


@dataclass
class Log:
    """A partition: its committed records, and the two tables of its rows. What is aborted only takes offsets."""

    end: int = 0
    committed: list[Record] = field(default_factory=list)
    sets: Table = field(default_factory=Table)
    events: Table = field(default_factory=Table)

    def until(self, position: int) -> list[Row]:
        return [row for record in self.committed if record.offset < position for row in record.rows]

    def after(self, position: int, most: int) -> list[Record]:
        return [record for record in self.committed if record.offset >= position][:most]


class World:
    """Logs, tables and the catalogue, with what they say about a user."""

    def __init__(self) -> None:
        self.logs = [Log() for _ in range(PARTITIONS)]
        self.artworks: dict[str, tuple[str, int, bool]] = {}  # pool, ordinal, retired
        self._numbers = itertools.count()

    def log_of(self, user_id: str) -> Log:
        return self.logs[partition_of(user_id, PARTITIONS)]

    def write(self, user_id: str, shown: Shown, committed: bool) -> None:
        """Write a transaction of one record, and its mark, as the worker does."""
        log = self.log_of(user_id)
        known = {row.artwork_id for row in self.rows(user_id, log.end)}
        rows = []
        for artwork_id, minutes in shown:
            event, at = f"{next(self._numbers):032x}", NOW + minutes * 60_000
            rows.append(Row(event, user_id, artwork_id, "p", at, NOW + log.end, "gallery", artwork_id not in known))
            known.add(artwork_id)
        if committed:
            log.committed.append(Record(log.end, rows))
        log.end += 2

    def insert(self, number: int, sets: int, events: int) -> None:
        """Insert records as the sink does: into the sets first, and then as events."""
        log = self.logs[number]
        log.sets.insert(log.after(log.sets.position, sets))
        log.events.insert(each for each in log.after(log.events.position, events) if each.offset < log.sets.position)

    def ask_seen(self, user_id: str) -> SeenRows:
        """What ClickHouse answers now to the question for what a user has seen."""
        log = self.log_of(user_id)
        seen = [(row.artwork_id, row.received_at) for row in log.sets.rows(user_id) if row.fresh]
        events = log.events.rows(user_id)
        return SeenRows(
            seen, [(row.event_id, row.seen_at, row.artwork_id) for row in events if row.seen_at > NOW - HOUR_MS]
        )

    def ask_newest(self, user_id: str, most: int) -> Rows:
        """What it answers to the question for a user's newest rows."""
        newest = sorted(self.log_of(user_id).events.rows(user_id), key=lambda row: row.key, reverse=True)[:most]
        return Rows(newest, len(newest) >= most)

    def ask_page(self, user_id: str, before: Key | None, most: int) -> list[Row]:
        """What it answers to the question for a page: each row once."""
        rows = [row for row in self.log_of(user_id).events.rows(user_id) if before is None or row.key < before]
        return sorted({row.key: row for row in rows}.values(), key=lambda row: row.key, reverse=True)[:most]

    def rows(self, user_id: str, position: int) -> list[Row]:
        """The truth: a user's rows before a position of the log."""
        return [row for row in self.log_of(user_id).until(position) if row.user_id == user_id]

    def history(self, user_id: str, position: int, before: Key | None = None) -> list[Row]:
        rows = [row for row in self.rows(user_id, position) if before is None or row.key < before]
        return sorted(rows, key=lambda row: row.key, reverse=True)

    def coverage(self, user_id: str, sets: int, events: int) -> list[PoolCoverage]:
        """The truth, with what was seen and the events before a position each."""
        seen = {row.artwork_id: row for row in self.rows(user_id, sets) if row.fresh}
        recent = [row for row in self.rows(user_id, events) if NOW - HOUR_MS < row.seen_at <= NOW]
        found = []
        for pool_id in POOLS:
            members = {each for each, (pool, _, _) in self.artworks.items() if pool == pool_id}
            active = {each for each in members if not self.artworks[each][2]}
            if not members & seen.keys():
                continue
            count = len(active & seen.keys())
            share = count / len(active) if active else 0.0
            newest = max(seen[each].received_at for each in members & seen.keys())
            within = sum(row.artwork_id in members for row in recent)
            found.append(PoolCoverage(pool_id, count, len(active), share, 1 - share, within, newest))
        return found

    def unseen(self, user_id: str, position: int, pool_id: str) -> list[tuple[str, int]]:
        seen = {row.artwork_id for row in self.rows(user_id, position)}
        return [
            (artwork_id, ordinal)
            for artwork_id, (pool, ordinal, retired) in sorted(self.artworks.items())
            if pool == pool_id and not retired and artwork_id not in seen
        ]
