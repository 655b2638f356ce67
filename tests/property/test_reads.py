"""Reads are exact at every moment: whatever order records, commits, the sink, queries and restarts come in.

The machine plays a log of two partitions, a ClickHouse that the sink fills block by block (sets first, some rows
twice), and the tail. Users are asked for, their queries run later, and their answers come later still. After every step,
what is known of each user is compared with a recount of the log up to where it was read: by the tail, or by their query.
"""

import itertools
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from streams.collector.reads.errors import RowsGoneError
from streams.collector.reads.known import Known
from streams.collector.reads.rows import Row
from streams.collector.reads.seen import HOUR_MS, PoolCoverage, Seen, SeenRows
from streams.collector.reads.tail import Tail
from streams.collector.reads.timeline import Key, Rows, Timeline, join
from streams.core.catalogue import Catalogue
from streams.core.partitioner import partition_of

PARTITIONS, BUDGET = 2, 1 << 30
USERS = [f"u{n}" for n in range(5)]
ARTWORKS = [f"a{n}" for n in range(9)]
POOLS = ["p", "q"]
NOW = 1_796_000_000_000
# Few, so that timelines are cut and pages go on.
FEW = 3
partitions = st.integers(0, PARTITIONS - 1)
users = st.sampled_from(USERS)


@dataclass
class Record:
    offset: int
    rows: list[Row]


@dataclass
class Table:
    """What ClickHouse holds of a partition's log: records up to a position, some of them twice."""

    position: int = 0
    records: list[Record] = field(default_factory=list)

    def rows(self, user_id: str) -> list[Row]:
        return [row for record in self.records for row in record.rows if row.user_id == user_id]


@dataclass
class Log:
    """A partition. `open` is a transaction that hasn't ended; what was aborted leaves offsets that nobody reads."""

    end: int = 0
    committed: list[Record] = field(default_factory=list)
    open: list[Record] = field(default_factory=list)
    sets: Table = field(default_factory=Table)
    events: Table = field(default_factory=Table)
    next_to_read: int = 0

    def until(self, position: int) -> list[Row]:
        return [row for record in self.committed if record.offset < position for row in record.rows]


@dataclass
class Query:
    """A user's query that was begun: what it found, once it ran, and up to where each table was then."""

    user_id: str
    found: Any = None
    sets: int = 0
    events: int = 0


@dataclass
class Page:
    """A page of a history: a copy of the tail's rows, then ClickHouse's."""

    user_id: str
    before: Key | None
    tail: list[Row]
    read: int


class ReadsMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.logs = [Log() for _ in range(PARTITIONS)]
        self.artworks: dict[str, tuple[str, int, bool]] = {}
        self.catalogue = Catalogue()
        self.tail = Tail(BUDGET)
        self.seen = Known(lambda: Seen(self.catalogue), BUDGET)
        self.timelines = Known(lambda: Timeline(FEW), BUDGET)
        self.tail.listener = self.take
        self.queries: dict[tuple[str, str], Query] = {}
        self.done: dict[tuple[str, str], Query] = {}
        self.events = itertools.count()

    @initialize()
    def begin(self) -> None:
        self.restart()

    def take(self, row: Row) -> None:
        self.seen.add(row)
        self.timelines.add(row)

    # The log.

    @rule(
        user_id=users,
        shown=st.lists(st.tuples(st.sampled_from(ARTWORKS), st.integers(-90, 10)), min_size=1, max_size=3),
    )
    def append(self, user_id: str, shown: list[tuple[str, int]]) -> None:
        log = self.logs[partition_of(user_id, PARTITIONS)]
        known = {
            row.artwork_id for record in (*log.committed, *log.open) for row in record.rows if row.user_id == user_id
        }
        rows = []
        for artwork_id, minutes in shown:
            event = f"{next(self.events):032x}"
            at = NOW + minutes * 60_000
            rows.append(Row(event, user_id, artwork_id, "p", at, NOW, "gallery", artwork_id not in known))
            known.add(artwork_id)
        log.open.append(Record(log.end, rows))
        log.end += 1

    @rule(number=partitions, committed=st.booleans())
    def end_transaction(self, number: int, committed: bool) -> None:
        log = self.logs[number]
        if committed:
            log.committed += log.open
        log.open = []
        log.end += 1  # its mark

    @rule(artwork_id=st.sampled_from(ARTWORKS), pool_id=st.sampled_from(POOLS), retired=st.booleans())
    def change_catalogue(self, artwork_id: str, pool_id: str, retired: bool) -> None:
        ordinal = ARTWORKS.index(artwork_id) * 7
        self.artworks[artwork_id] = pool_id, ordinal, retired
        self.catalogue.put(artwork_id, pool_id, ordinal, retired)

    # ClickHouse and its sink.

    @rule(number=partitions, most=st.integers(1, 3))
    def insert_sets(self, number: int, most: int) -> None:
        log = self.logs[number]
        _insert(log.sets, [each for each in log.committed if each.offset >= log.sets.position][:most])

    @rule(number=partitions, most=st.integers(1, 3))
    def insert_events(self, number: int, most: int) -> None:
        log = self.logs[number]
        reached = [each for each in log.committed if log.events.position <= each.offset < log.sets.position]
        _insert(log.events, reached[:most])

    @rule(number=partitions, data=st.data())
    def insert_again(self, number: int, data: st.DataObject) -> None:
        log = self.logs[number]
        for table in (log.sets, log.events):
            if table.records:
                table.records.append(data.draw(st.sampled_from(table.records)))

    @rule(number=partitions)
    def merge_parts(self, number: int) -> None:
        for table in (self.logs[number].sets, self.logs[number].events):
            table.records = list({record.offset: record for record in table.records}.values())

    # The tail.

    @rule(number=partitions, most=st.integers(1, 4))
    def read(self, number: int, most: int) -> None:
        log = self.logs[number]
        for record in [each for each in log.committed if each.offset >= log.next_to_read][:most]:
            self.tail.append(number, record.offset, record.rows)
            log.next_to_read = record.offset + 1

    @rule(number=partitions)
    def read_again(self, number: int) -> None:
        for record in self.logs[number].committed[-2:]:
            if record.offset < self.logs[number].next_to_read:
                self.tail.append(number, record.offset, record.rows)

    @rule()
    def forget(self) -> None:
        # What the tail hasn't read yet may be there already.
        self.tail.forget({number: log.events.position for number, log in enumerate(self.logs)})

    @rule()
    def restart(self) -> None:
        positions = {number: log.events.position for number, log in enumerate(self.logs)}
        self.tail.begin(positions)
        self.seen.outdate()
        self.timelines.outdate()
        self.done.clear()
        for number, log in enumerate(self.logs):
            log.next_to_read = positions[number]

    # Users.

    @rule(user_id=users, kind=st.sampled_from(["seen", "timeline"]))
    def ask(self, user_id: str, kind: str) -> None:
        if (kind, user_id) not in self.queries:
            self.known(kind).begin(user_id, self.tail.of(user_id), NOW, 0.0)
            self.queries[kind, user_id] = Query(user_id)

    @precondition(lambda self: any(each.found is None for each in self.queries.values()))
    @rule(data=st.data())
    def run_query(self, data: st.DataObject) -> None:
        waiting = sorted(key for key, each in self.queries.items() if each.found is None)
        kind, user_id = data.draw(st.sampled_from(waiting))
        query, log = self.queries[kind, user_id], self.log_of(user_id)
        query.sets, query.events = log.sets.position, log.events.position
        rows = log.events.rows(user_id)
        if kind == "seen":
            seen = [(row.artwork_id, row.received_at) for row in log.sets.rows(user_id) if row.fresh]
            recent = [(row.event_id, row.seen_at, row.artwork_id) for row in rows if row.seen_at > NOW - HOUR_MS]
            query.found = SeenRows(seen, recent)
        else:
            newest = sorted(rows, key=lambda row: row.key, reverse=True)[:FEW]
            query.found = Rows(newest, len(newest) >= FEW)

    @precondition(lambda self: any(each.found is not None for each in self.queries.values()))
    @rule(data=st.data())
    def answer(self, data: st.DataObject) -> None:
        key = data.draw(st.sampled_from(sorted(key for key, each in self.queries.items() if each.found is not None)))
        query = self.queries.pop(key)
        if self.known(key[0]).finish(query.user_id, query.found) is not None:
            self.done[key] = query

    @rule(user_id=users)
    def give_up(self, user_id: str) -> None:
        if self.queries.pop(("seen", user_id), None) is not None:
            self.seen.abandon(user_id)

    @rule(user_id=users)
    def drop(self, user_id: str) -> None:
        self.seen.forget(user_id)
        self.queries.pop(("seen", user_id), None)
        self.done.pop(("seen", user_id), None)

    @rule(user_id=users, seen_at=st.none() | st.integers(-90, 11), data=st.data())
    def read_page(self, user_id: str, seen_at: int | None, data: st.DataObject) -> None:
        before = None if seen_at is None else (NOW + seen_at * 60_000, "")
        log = self.log_of(user_id)
        tail, read = self.tail.of(user_id), log.next_to_read
        # Anything may happen between.
        number = partition_of(user_id, PARTITIONS)
        for step in data.draw(st.lists(st.sampled_from([self.insert_sets, self.insert_events, self.read]), max_size=4)):
            step(number, 2)
        self.forget()
        rows = [row for row in log.events.rows(user_id) if before is None or row.key < before]
        found = sorted({row.key: row for row in rows}.values(), key=lambda row: row.key, reverse=True)[:FEW]
        expected = self.history(user_id, max(read, log.events.position), before)
        assert join(found, tail, before, FEW) == expected[:FEW]

    # The truth.

    @invariant()
    def users_are_exact(self) -> None:
        for (kind, user_id), query in self.done.items():
            known = self.known(kind).get(user_id, 0.0)
            assert known is not None
            read = self.log_of(user_id).next_to_read
            if kind == "seen":
                assert isinstance(known, Seen)
                sets, events = max(read, query.sets), max(read, query.events)
                self.check_seen(known, user_id, sets, events)
            else:
                assert isinstance(known, Timeline)
                self.check_timeline(known, user_id, max(read, query.events))

    def check_seen(self, known: Seen, user_id: str, sets: int, events: int) -> None:
        assert known.coverage(NOW) == self.coverage(user_id, sets, events)
        seen = {row.artwork_id for row in self.rows(user_id, sets)}
        for pool_id in POOLS:
            unseen = [
                (artwork_id, ordinal)
                for artwork_id, (pool, ordinal, retired) in sorted(self.artworks.items())
                if pool == pool_id and not retired and artwork_id not in seen
            ]
            paged = []
            first = 0
            while page := known.unseen(pool_id, first, 2):
                paged += page
                first = page[-1][1] + 1
            assert paged == unseen

    def check_timeline(self, known: Timeline, user_id: str, position: int) -> None:
        expected = self.history(user_id, position, None)
        for most, before in itertools.product((1, FEW), (None, *[row.key for row in expected])):
            below = [row for row in expected if before is None or row.key < before][:most]
            assert known.below(before, most) in (None, below)
        if len(expected) <= FEW - 1:
            assert known.below(None, FEW) is not None or len(self.log_of(user_id).events.rows(user_id)) >= FEW

    @invariant()
    def the_tail_holds_what_clickhouse_lacks(self) -> None:
        for number, log in enumerate(self.logs):
            kept = {row.event_id for user_id in self.users_of(number) for row in self.tail.of(user_id)}
            lacking = [row for row in log.until(log.next_to_read) if row not in log.until(log.events.position)]
            assert kept >= {row.event_id for row in lacking}
        assert self.tail.rows == sum(len(self.tail.of(user_id)) for user_id in USERS)
        assert self.tail.bytes == sum(row.size for user_id in USERS for row in self.tail.of(user_id))

    def coverage(self, user_id: str, sets: int, events: int) -> list[PoolCoverage]:
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

    def history(self, user_id: str, position: int, before: Key | None) -> list[Row]:
        rows = [row for row in self.rows(user_id, position) if before is None or row.key < before]
        return sorted(rows, key=lambda row: row.key, reverse=True)

    def rows(self, user_id: str, position: int) -> list[Row]:
        return [row for row in self.log_of(user_id).until(position) if row.user_id == user_id]

    def known(self, kind: str) -> Known[Any]:
        return self.seen if kind == "seen" else self.timelines

    def log_of(self, user_id: str) -> Log:
        return self.logs[partition_of(user_id, PARTITIONS)]

    def users_of(self, number: int) -> Iterable[str]:
        return [user_id for user_id in USERS if partition_of(user_id, PARTITIONS) == number]


def _insert(table: Table, records: list[Record]) -> None:
    for record in records:
        table.records.append(record)
        table.position = record.offset + 1


ReadsMachine.TestCase.settings = settings(max_examples=60, stateful_step_count=40)
TestReads = ReadsMachine.TestCase


def test_a_clickhouse_that_lost_rows_is_noticed() -> None:
    tail = Tail(BUDGET)
    tail.begin({0: 5})
    with pytest.raises(RowsGoneError, match="had partition 0 up to 5, and now up to 4"):
        tail.forget({0: 4})
