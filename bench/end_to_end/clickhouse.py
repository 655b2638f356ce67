"""What ClickHouse shows of a run: up to when rows are readable, how many parts hold them, whether they are right."""

import threading
import time
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from bench.lib.backlog import Record, Seen
from bench.lib.expected import Comparison, Output, compare, coverage, near
from bench.lib.follow import Arrivals
from streams.clickhouse.client import connect
from streams.errors import UserError
from streams.settings import Settings

# How late a row may be noticed; each look costs the engine a few milliseconds.
LOOK_SECONDS = 0.25
PARTS_SECONDS = 5.0
# Parts younger than this hold what arrived since the last look, even by a clock of whole seconds.
YOUNG_SECONDS = 5
# Old parts need no second look: their rows have been seen.
READABLE = f"""
    SELECT kafka_partition, toUnixTimestamp64Milli(max(received_at)) FROM {{database}}.impressions_raw
    WHERE _part IN (
        SELECT name FROM system.parts WHERE active AND database = '{{database}}' AND table = 'impressions_raw'
        AND modification_time >= now() - {YOUNG_SECONDS}
    )
    GROUP BY kafka_partition
"""
PARTS = "SELECT table, count() FROM system.parts WHERE active AND database = '{database}' GROUP BY table"
LEDGER = """
    SELECT sum(received), sum(accepted), sum(duplicates), sum(rejected), sum(forwarded) FROM {database}.ledger
"""
ROWS = "SELECT user_id, artwork_id, toUnixTimestamp64Milli(seen_at) FROM {database}.impressions"
COVERED = "SELECT user_id, seen FROM {database}.user_coverage"


class Look(NamedTuple):
    """When ClickHouse was asked (ms since the epoch), and the newest append that was readable, by partition."""

    at: float
    newest: dict[int, int]


@dataclass(frozen=True, slots=True)
class Ledger:
    """Sums of the ledger."""

    received: int
    accepted: int
    duplicates: int
    rejected: int
    forwarded: int

    @property
    def balanced(self) -> bool:
        """Whether everything is accounted for."""
        return self.received == self.accepted + self.duplicates + self.rejected + self.forwarded


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was sent, compared with what ClickHouse has."""

    sent: int
    ledger: Ledger
    rows: Comparison
    wrong_coverage: int
    """Users whose coverage does not match what rule 2 accepts."""

    @property
    def right(self) -> bool:
        """Whether all of it is there, once."""
        return (
            self.ledger.balanced
            and self.ledger.received == self.sent
            and self.ledger.accepted == self.rows.found
            and self.rows.equal
            and not self.wrong_coverage
        )


class Database:
    """Asks the engine, as the writer."""

    def __init__(self, settings: Settings) -> None:
        """Raises UserError if it is unreachable."""
        self._name, self._client = settings.clickhouse_database, connect(settings)

    def ask(self, query: str) -> Sequence[Sequence[Any]]:
        """Return the rows of a query that has a placeholder for the database."""
        return self._client.query(query.format(database=self._name)).result_rows

    def ledger(self) -> Ledger:
        """Return the sums, exact at any time."""
        return Ledger(*map(int, self.ask(LEDGER)[0]))

    def wait_received(self, impressions: int, seconds: float) -> None:
        """Return once that many impressions are in the ledger and its accepted ones are rows. Raises UserError."""
        deadline = time.monotonic() + seconds
        while True:
            ledger = self.ledger()
            if ledger.received >= impressions:
                ((rows,),) = self.ask("SELECT count() FROM {database}.impressions")
                if rows == ledger.accepted:
                    return
            if time.monotonic() > deadline:
                raise UserError(f"After {seconds:.0f} s {ledger.received:,} of {impressions:,} are in the ledger.")
            time.sleep(LOOK_SECONDS)

    def verdict(self, records: Iterable[Record]) -> Verdict:
        """Compare everything with the oracle."""
        made = list(records)
        rows = [Seen(int(str(user)[1:]), int(str(artwork)[1:]), int(at)) for user, artwork, at in self.ask(ROWS)]
        expected = [seen for _, seen in near(made)]
        covered = {int(str(user)[1:]): seen for user, seen in self.ask(COVERED)}
        wrong = sum(covered.get(user) != count for user, count in coverage(expected).items())
        sent = sum(len(record.impressions) for record in made)
        return Verdict(sent, self.ledger(), compare(expected, Output({0: rows})), wrong)


class Watch:
    """Looks repeatedly, in a thread, until `close`."""

    def __init__(self, settings: Settings) -> None:
        """Raises UserError if the engine is unreachable."""
        self.looks: list[Look] = []
        self.parts: list[tuple[float, dict[str, int]]] = []
        self._database = Database(settings)
        self._stopped = threading.Event()
        self._failed: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)
        self._thread.start()

    def ages(self, since: float, until: float) -> list[float]:
        """Return how far readable rows lagged (s), by the slowest partition, at each look between two times (ms).

        While impressions keep arriving, that is the age of the oldest one that can't be read yet.
        """
        return [(look.at - min(look.newest.values())) / 1000 for look in self.looks if since <= look.at < until]

    def check(self) -> None:
        """Raise UserError if looking has failed."""
        if self._failed is not None:
            raise UserError(f"ClickHouse could not be asked: {self._failed}.") from self._failed

    def close(self) -> None:
        """Stop looking."""
        self._stopped.set()
        self._thread.join()

    def _run(self) -> None:
        newest: dict[int, int] = {}
        parts_at = 0.0
        try:
            while not self._stopped.wait(LOOK_SECONDS):
                for partition, at in self._database.ask(READABLE):
                    number, appended = int(partition), int(at)
                    newest[number] = max(appended, newest.get(number, 0))
                if newest:
                    # The time when the answer has arrived: a row never counts as readable before it was read.
                    self.looks.append(Look(time.time() * 1000, dict(newest)))
                if time.monotonic() - parts_at > PARTS_SECONDS:
                    parts_at = time.monotonic()
                    counts = {str(table): int(count) for table, count in self._database.ask(PARTS)}
                    self.parts.append((time.time() * 1000, counts))
        except BaseException as error:
            self._failed = error


def readable(accepted: Arrivals, looks: Sequence[Look], since: float) -> Iterator[tuple[float, float]]:
    """Yield when each accepted row was appended, from `since` on, and how long after that a look showed it (ms).

    The sink inserts a partition's rows in log order, so the newest readable row stands for all before it. Rows that no
    look has shown are left out.
    """
    seen: dict[int, list[int]] = {}
    for partition in set(accepted.partition):
        seen[partition] = [look.newest.get(partition, 0) for look in looks]
    for appended, partition in zip(accepted.appended, accepted.partition, strict=True):
        if appended >= since:
            at = bisect_left(seen[partition], appended)
            if at < len(looks):
                yield appended, looks[at].at - appended
