"""The oracle: reads the source, judges it, and compares what readers see with the result."""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from confluent_kafka import KafkaException

from oracle import balance, forwards, offsets, state
from oracle.catalogue import Catalogue
from oracle.forwards import Place
from oracle.judge import Judge
from oracle.log import Follower, Logs
from oracle.offsets import CATALOGUE, FEEDS, Sent
from oracle.progress import CLICKHOUSE_AWAY, Counts, Partition, ask, is_caught_up
from oracle.rows import (
    ACCEPTED_KEY,
    ARTWORK_KEY,
    COVERAGE_KEY,
    LEDGER_KEY,
    REJECTED_KEY,
    Accepted,
    Artwork,
    Coverage,
    Expected,
    LedgerRow,
    Rejected,
)
from oracle.rules import Record, Rules, line_count
from oracle.verdict import Difference, Verdict, compare
from oracle.views import Views

SOURCE = "impressions.v1"
# The pause (s) between two queries is as long as the last one took, because the installation needs the machine, and a
# fault may take long to end.
SHORTEST_PAUSE, LONGEST_PAUSE = 0.2, 1.0


class Oracle:
    """Knows from the contract alone what readers of an installation must see. Only one thread may use it at a time.

    The source is judged once, record by record. Read a topic before it is deleted: otherwise its rows count as extra.
    """

    def __init__(
        self, bootstrap: str, clickhouse_host: str, clickhouse_port: int, rules: Rules, database: str = "impressions"
    ) -> None:
        self._bootstrap, self._rules = bootstrap, rules
        self._views = Views(clickhouse_host, clickhouse_port, database)
        self._open_logs: Logs | None = None
        self._source = Follower(SOURCE)
        self._artworks = Follower(CATALOGUE.topic)
        self._outputs = {feed.topic: Follower(feed.topic) for feed in FEEDS}
        self._sent: dict[offsets.Feed, list[Sent]] = {feed: [] for feed in FEEDS}
        self._judge: Judge | None = None
        self._given_up: set[Place] = set()
        self._unjudged: list[Record] = []
        self._lines: Counter[Partition] = Counter()
        self._forwarded: list[tuple[object, ...]] = []
        # By topic id, oldest first.
        self._catalogues: dict[str, Catalogue] = {}

    @property
    def partitions(self) -> int:
        """Return how many partitions the source has; 0 before the first read."""
        return self._source.partitions

    @property
    def _logs(self) -> Logs:
        if self._open_logs is None:
            self._open_logs = Logs(self._bootstrap)
        return self._open_logs

    def read(self) -> None:
        """Read the source and the catalogue up to their ends; keep what was read before. A check reads the rest.

        A topic that was deleted and re-created is a new log, judged after the old one. Raises KafkaException
        while the broker does not answer; nothing is lost by that.
        """
        for record in self._source.read(self._logs):
            self._unjudged.append(record)
            self._lines[record.topic_id, record.partition] += line_count(record.value)
            if record.origin is not None:
                self._forwarded.append(forwards.found_row(record))
        for record in self._artworks.read(self._logs):
            self._catalogues.setdefault(record.topic_id, Catalogue()).read(record)

    def change_lateness(self, start: int, lateness_ms: int) -> None:
        """Judge records with an A from `start` (ms) on by another lateness."""
        self._rules = replace(self._rules, changes=(*self._rules.changes, (start, lateness_ms)))

    def give_up(self, place: Place) -> None:
        """Judge a line malformed because deciding it killed the worker three times. Call it before the next check."""
        self._given_up.add(place)

    def wait(
        self,
        seconds: float,
        alive: Callable[[], None] = lambda: None,
        progress: Callable[[int, int], None] = lambda _done, _total: None,
    ) -> bool:
        """I5: return True once each line of the log is in the ledger, and the views have everything the ledger counts.

        Return False if nothing more has arrived for `seconds`; time during which ClickHouse or Kafka is down counts,
        and raises nothing. `alive` is called in each round; an exception from it ends the wait. `progress` is called
        with the number of lines in the ledger, and in the log.
        """
        most, deadline = -1, time.monotonic() + seconds
        while True:
            alive()
            asked_at = time.monotonic()
            counts = self._counts()
            # A forward commits together with its ledger row, so the log now has all forwards that the ledger counted.
            caught_up = counts is not None and self._is_caught_up(counts)
            if counts is not None:
                progress(sum(counts.lines.values()), self._lines.total())
            if caught_up:
                return True
            if counts is not None and counts.total() > most:
                most, deadline = counts.total(), time.monotonic() + seconds
            if time.monotonic() > deadline:
                return False
            time.sleep(min(max(SHORTEST_PAUSE, time.monotonic() - asked_at), LONGEST_PAUSE))

    def compare_views(self) -> list[Difference]:
        """Check I1 alone: return a comparison of each view, and of the forwarded records, even without a difference.

        Like `check`, it is meant for an idle installation, and raises the same errors.
        """
        self.read()
        return [each for each in self._check_views(self._judged()) if each.invariant == "I1"]

    def expected(self) -> Expected:
        """Return the rows that readers must see, by what was read so far; not copies, so leave them as they are."""
        judged = self._judged()
        coverage = list(self._catalogue().coverage(judged.seen))
        return Expected(list(judged.accepted.values()), judged.ledger, judged.rejected, coverage)

    def check(self, states: Sequence[Path] = ()) -> Verdict:
        """Judge everything and compare the views with it. `states`: folders of local state (`.../partition-P`), for I4.

        Meant for an idle installation. Raises the clients' errors if Kafka or ClickHouse does not answer.
        """
        self.read()
        judged = self._judged()
        found = [*self._check_views(judged), *self._check_offsets(), *self._check_states(states)]
        totals = judged.totals
        return Verdict(
            [each for each in found if each.found],
            totals["lines"],
            totals["received"] - totals["forwarded"],
            totals["accepted"],
            totals["duplicates"],
            totals["rejected"],
            totals["forwarded"],
            self._views.raw_excess(),
        )

    def reset(self) -> None:
        """Use new clients from now on; what was read is kept."""
        self.close()

    def close(self) -> None:
        """Disconnect from the broker and from ClickHouse."""
        self._views.close()
        if self._open_logs is not None:
            self._open_logs.close()
            self._open_logs = None

    def _counts(self) -> Counts | None:
        try:
            return ask(self._views)
        except CLICKHOUSE_AWAY:
            self._views.close()
            return None

    def _is_caught_up(self, counts: Counts) -> bool:
        try:
            self.read()
            artworks = {topic_id: len(each.taken) for topic_id, each in self._catalogues.items()}
            # Forwards that the ledger counted may still follow an open transaction.
            return is_caught_up(counts, self._lines, artworks) and self._source.is_at_end(self._logs)
        except KafkaException:
            self.reset()
            return False

    def _judged(self) -> Judge:
        if self._judge is None:
            self._judge = Judge(self._rules, self._source.partitions)
        self._judge.rules, self._judge.given_up = self._rules, self._given_up
        for record in self._unjudged:
            self._judge.judge(record)
        self._unjudged.clear()
        return self._judge

    def _check_views(self, judged: Judge) -> Iterator[Difference]:
        views, known = self._views, self._catalogue()
        impressions, ledger, rejected = views.impressions(), views.ledger(), views.rejected()
        accepted, coverage = judged.accepted.values(), known.coverage(judged.seen)
        artworks, forwarded = known.artworks.values(), forwards.expected_rows(judged.forwards)
        yield compare("I1", "impressions", Accepted._fields, ACCEPTED_KEY, accepted, impressions)
        yield compare("I1", "ledger", LedgerRow._fields, LEDGER_KEY, judged.ledger, ledger)
        yield compare("I1", "rejected", Rejected._fields, REJECTED_KEY, judged.rejected, rejected)
        yield compare("I1", "user_coverage", Coverage._fields, COVERAGE_KEY, coverage, views.coverage())
        yield compare("I1", "artworks", Artwork._fields, ARTWORK_KEY, artworks, views.artworks())
        yield compare("I1", "forwarded records", forwards.COLUMNS, forwards.KEY, forwarded, self._forwarded)
        yield from balance.check_ledger(ledger, impressions, rejected, judged.ledger)

    def _catalogue(self) -> Catalogue:
        """Return the newest log of the catalogue that has an accepted record."""
        saying = [each for each in self._catalogues.values() if each.taken]
        return saying[-1] if saying else Catalogue()

    def _check_offsets(self) -> Iterator[Difference]:
        for topic, follower in self._outputs.items():
            known = follower.topic_id
            records = follower.read(self._logs)
            feeds = [feed for feed in FEEDS if feed.topic == topic]
            for feed in feeds:
                if follower.topic_id != known:
                    self._sent[feed] = []
                self._sent[feed] += [offsets.sent(feed, record) for record in records]
            yield from self._check_feeds({feed: self._sent[feed] for feed in feeds}, follower)
        topic_id = self._artworks.topic_id
        taken = self._catalogues[topic_id].taken if topic_id in self._catalogues else []
        sent = [Sent(0, offset, [(topic_id, offset, artwork_id)]) for artwork_id, offset in taken]
        yield from self._check_feeds({CATALOGUE: sent}, self._artworks)

    def _check_feeds(self, feeds: Mapping[offsets.Feed, Sequence[Sent]], follower: Follower) -> Iterator[Difference]:
        """Check the tables that one topic fills."""
        group = offsets.committed(self._bootstrap, follower.topic, follower.next)
        for feed, sent in feeds.items():
            yield from offsets.check_feed(feed, group, sent, self._views)

    def _check_states(self, folders: Sequence[Path]) -> Iterator[Difference]:
        # A partition without changelogs has an empty state.
        replayed: dict[int, state.State] = {partition: {} for partition in self._source.next}
        replayed |= state.replay(self._logs)
        yield from state.check_states(replayed, folders, self._source.topic_id, self._source.last)
