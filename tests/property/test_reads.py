"""Reads are exact at every moment: whatever order transactions, the sink, queries and restarts come in.

The machine plays a log of two partitions, a ClickHouse that the sink fills block by block (sets first, some rows
twice), and the tail. Users are asked for, their queries run later, and their answers come later still. After every
step, what is known of each user is compared with a recount of the log up to where it was read: by the tail, or by their
query.
"""

import itertools
from dataclasses import dataclass
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from streams.collector.reads.known import Known
from streams.collector.reads.rows import Row
from streams.collector.reads.seen import Seen
from streams.collector.reads.tail import Tail
from streams.collector.reads.timeline import Timeline, join
from streams.core.catalogue import Catalogue
from streams.core.partitioner import partition_of
from tests.support.reads import NOW
from tests.support.reads_model import ARTWORKS, PARTITIONS, POOLS, USERS, Shown, World

BUDGET = 1 << 30
# Few, so that timelines are cut and pages go on.
FEW = 3
numbers = st.integers(0, PARTITIONS - 1)
users = st.sampled_from(USERS)
kinds = st.sampled_from(["seen", "timeline"])
shown = st.lists(st.tuples(st.sampled_from(ARTWORKS), st.integers(-90, 10)), min_size=1, max_size=6)
# What happens between two steps of a query.
moves = st.lists(st.sampled_from(["write", "read", "sets", "insert", "forget"]), max_size=5)
Asked = tuple[str, str]  # kind and user


@dataclass
class Query:
    """A query that was begun: what it found, once it ran, and up to where each table was then."""

    found: Any = None
    sets: int = 0
    events: int = 0
    outdated: bool = False


class ReadsMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        self.catalogue = Catalogue()
        self.tail = Tail(BUDGET)
        self.read_to = [0] * PARTITIONS
        self.known: dict[str, Known[Any]] = {
            "seen": Known(lambda: Seen(self.catalogue), BUDGET),
            "timeline": Known(lambda: Timeline(FEW), BUDGET),
        }
        self.tail.listener = self.take
        self.queries: dict[Asked, Query] = {}
        self.done: dict[Asked, Query] = {}

    def take(self, row: Row) -> None:
        for known in self.known.values():
            known.add(row)

    @initialize(artworks=st.integers(0, len(ARTWORKS)))
    def begin(self, artworks: int) -> None:
        self.restart()
        for number, artwork_id in enumerate(ARTWORKS[:artworks]):
            self.change_catalogue(artwork_id, POOLS[number % 3 == 2], False)

    # The log, the catalogue, ClickHouse and its sink.

    @rule(user_id=users, shown=shown, committed=st.sampled_from([True, True, True, False]))
    def write(self, user_id: str, shown: Shown, committed: bool) -> None:
        self.world.write(user_id, shown, committed)

    @rule(artwork_id=st.sampled_from(ARTWORKS), pool_id=st.sampled_from(POOLS), retired=st.booleans())
    def change_catalogue(self, artwork_id: str, pool_id: str, retired: bool) -> None:
        ordinal = ARTWORKS.index(artwork_id) * 7
        self.world.artworks[artwork_id] = pool_id, ordinal, retired
        self.catalogue.put(artwork_id, pool_id, ordinal, retired)

    @rule(number=numbers, sets=st.integers(0, 3), events=st.integers(0, 3))
    def insert(self, number: int, sets: int, events: int) -> None:
        self.world.insert(number, sets, events)

    @rule(number=numbers, twice=st.booleans())
    def insert_again_or_merge(self, number: int, twice: bool) -> None:
        for table in (self.world.logs[number].sets, self.world.logs[number].events):
            table.records += table.records[-2:] if twice else []
            if not twice:
                table.merge()

    # The tail.

    @rule(number=numbers, most=st.integers(1, 4))
    def read(self, number: int, most: int) -> None:
        log = self.world.logs[number]
        # Some come again.
        for record in [*log.after(self.read_to[number] - 2, 1), *log.after(self.read_to[number], most)]:
            self.tail.append(number, record.offset, record.rows)
            self.read_to[number] = max(self.read_to[number], record.offset + 1)

    @rule()
    def forget(self) -> None:
        # The sink may be ahead of the tail.
        self.tail.forget({number: log.events.position for number, log in enumerate(self.world.logs)})

    @rule()
    def restart(self) -> None:
        self.read_to = [log.events.position for log in self.world.logs]
        self.tail.begin(dict(enumerate(self.read_to)))
        for known in self.known.values():
            known.outdate()
        # Rows may have passed the tail by.
        assert all(self.known[kind].get(user_id, 0.0) is None for kind, user_id in self.done)
        self.done.clear()
        for query in self.queries.values():
            query.outdated = True

    # Users.

    @rule(user_id=users, kind=kinds)
    def ask(self, user_id: str, kind: str) -> None:
        if (kind, user_id) not in self.queries:
            self.known[kind].begin(user_id, self.tail.of(user_id), NOW, 0.0)
            self.queries[kind, user_id] = Query()

    @precondition(lambda self: any(each.found is None for each in self.queries.values()))
    @rule(data=st.data())
    def run_query(self, data: st.DataObject) -> None:
        self.find(*data.draw(st.sampled_from(sorted(key for key, each in self.queries.items() if each.found is None))))

    @precondition(lambda self: any(each.found is not None for each in self.queries.values()))
    @rule(data=st.data())
    def answer(self, data: st.DataObject) -> None:
        self.finish(*data.draw(st.sampled_from(sorted(key for key, each in self.queries.items() if each.found))))

    @rule(user_id=users, kind=kinds, before=moves, between=moves)
    def load(self, user_id: str, kind: str, before: list[str], between: list[str]) -> None:
        """Ask for a user, while things happen before the query runs, and before its answer comes."""
        self.ask(user_id, kind)
        self.move(user_id, before)
        if self.queries[kind, user_id].found is None:
            self.find(kind, user_id)
        self.move(user_id, between)
        self.finish(kind, user_id)

    @rule(user_id=users, kind=kinds, whole=st.booleans())
    def drop(self, user_id: str, kind: str, whole: bool) -> None:
        """Give up a user's query, and perhaps all that is known of them."""
        self.queries.pop((kind, user_id), None)
        self.known[kind].abandon(user_id)
        if whole:
            self.known[kind].forget(user_id)
            self.done.pop((kind, user_id), None)

    @rule(user_id=users, minutes=st.none() | st.integers(-90, 11), between=moves)
    def read_page(self, user_id: str, minutes: int | None, between: list[str]) -> None:
        """A page of a history is exact for the tail as it was before ClickHouse was asked."""
        before = None if minutes is None else (NOW + minutes * 60_000, "")
        tail, read = self.tail.of(user_id), self.read_to[partition_of(user_id, PARTITIONS)]
        self.move(user_id, between)
        found = self.world.ask_page(user_id, before, FEW)
        expected = self.world.history(user_id, max(read, self.world.log_of(user_id).events.position), before)
        assert join(found, tail, before, FEW) == expected[:FEW]

    def move(self, user_id: str, moves: list[str]) -> None:
        number = partition_of(user_id, PARTITIONS)
        for each in moves:
            if each == "write":
                self.world.write(user_id, [(ARTWORKS[self.world.logs[number].end // 2 % len(ARTWORKS)], -5)], True)
            elif each == "read":
                self.read(number, 2)
            elif each in ("sets", "insert"):
                self.world.insert(number, 2, 2 if each == "insert" else 0)
            else:
                self.forget()

    def find(self, kind: str, user_id: str) -> None:
        query, log = self.queries[kind, user_id], self.world.log_of(user_id)
        query.sets, query.events = log.sets.position, log.events.position
        query.found = self.world.ask_seen(user_id) if kind == "seen" else self.world.ask_newest(user_id, FEW)

    def finish(self, kind: str, user_id: str) -> None:
        query = self.queries.pop((kind, user_id))
        joined = self.known[kind].finish(user_id, query.found)
        assert (joined is None) == query.outdated
        if joined is not None:
            self.done[kind, user_id] = query

    # The truth.

    @invariant()
    def users_are_exact(self) -> None:
        for (kind, user_id), query in self.done.items():
            known: Any = self.known[kind].get(user_id, 0.0)
            assert known is not None
            read = self.read_to[partition_of(user_id, PARTITIONS)]
            if kind == "seen":
                self.check_seen(known, user_id, max(read, query.sets), max(read, query.events))
            else:
                self.check_timeline(known, user_id, query, max(read, query.events))

    def check_seen(self, known: Seen, user_id: str, sets: int, events: int) -> None:
        assert known.coverage(NOW) == self.world.coverage(user_id, sets, events)
        for pool_id in POOLS:
            paged, first = list[tuple[str, int]](), 0
            while page := known.unseen(pool_id, first, 2):
                paged += page
                first = page[-1][1] + 1
            assert paged == self.world.unseen(user_id, sets, pool_id)

    def check_timeline(self, known: Timeline, user_id: str, query: Query, position: int) -> None:
        expected = self.world.history(user_id, position)
        for most, before in itertools.product((1, FEW), (None, *[row.key for row in expected])):
            below = [row for row in expected if before is None or row.key < before][:most]
            assert known.below(before, most) in (None, below)
        # It may not know what is further down; the newest it always does, and everything where there is no more.
        assert known.below(None, 1) == expected[:1]
        if not query.found.cut and len(expected) <= 2 * FEW:
            assert known.below(None, len(expected) + 1) == expected

    @invariant()
    def the_tail_holds_what_clickhouse_lacks(self) -> None:
        kept = {row.event_id for user_id in USERS for row in self.tail.of(user_id)}
        for number, log in enumerate(self.world.logs):
            there = {row.event_id for row in log.until(log.events.position)}
            assert kept >= {row.event_id for row in log.until(self.read_to[number])} - there
        assert self.tail.rows == len(kept)
        assert self.tail.rows == sum(len(self.tail.of(user_id)) for user_id in USERS)
        assert self.tail.bytes == sum(row.size for user_id in USERS for row in self.tail.of(user_id))


ReadsMachine.TestCase.settings = settings(max_examples=100, stateful_step_count=30)
TestReads = ReadsMachine.TestCase
