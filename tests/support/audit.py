"""Compare everything that the worker wrote with what the oracle derives from everything that the worker read."""

from collections import Counter
from collections.abc import Iterable

import orjson

from oracle.forwards import COLUMNS, KEY, expected_rows, found_row
from oracle.judge import Judge
from oracle.log import Follower, Logs
from oracle.murmur import home_of
from oracle.rows import ACCEPTED_KEY, COVERAGE_KEY, LEDGER_KEY, REJECTED_KEY, Accepted, Coverage, LedgerRow, Rejected
from oracle.rules import Record, Rules, line_count, lines_of
from oracle.verdict import Difference, compare
from streams.kafka.names import ACCEPTED, ARTWORKS, COVERAGE, IMPRESSIONS, LEDGER, REJECTED
from streams.settings import Settings
from tests.support import written
from tests.support.against_oracle import catalogue_of, judged
from tests.support.flushes import Row
from tests.support.wait import until

TOPICS = (LEDGER, ACCEPTED, REJECTED, COVERAGE, ARTWORKS, IMPRESSIONS)
# Enough for a recovery, a rebalance and the backlog that they leave, on a busy machine.
SETTLE_SECONDS = 120.0


class Log:
    """Follows a topic and keeps what it has read. Raises KafkaException while the broker does not answer."""

    def __init__(self, logs: Logs, topic: str) -> None:
        self._logs, self._follower = logs, Follower(topic)
        found = logs.describe(topic)
        assert found is not None, topic
        self.partitions = found[1]
        self.records: list[Record] = []
        self._counted, self._lines = 0, Counter(dict.fromkeys(range(self.partitions), 0))

    def read_to_end(self) -> None:
        """Read the records that have arrived since the last call."""
        self.records += self._follower.read(self._logs)

    def end(self, partition: int) -> int:
        """The offset of the next record."""
        return self._logs.end(self._follower.topic, partition)

    def lines(self) -> Counter[int]:
        """The number of lines read from each partition."""
        lines = Counter(dict.fromkeys(range(self.partitions), 0))
        for record in self.records:
            lines[record.partition] += line_count(record.value)
        return lines

    def counted_lines(self) -> Counter[int]:
        """The number of source lines for which the ledger's rows that were read from each partition stand."""
        for record in self.records[self._counted :]:
            self._lines[record.partition] += sum(orjson.loads(line)["lines"] for line in lines_of(record.value))
        self._counted = len(self.records)
        return self._lines


class Audit:
    """Follows the topics of an installation with `read_committed`."""

    def __init__(self, settings: Settings, changing_pools: frozenset[str] = frozenset()) -> None:
        """`changing_pools` are pools whose catalogue changes after a user's last impression: their `coverage.v1` may be
        out of date (rule 5). Raises KafkaException while the broker does not answer."""
        self._rules = Rules(settings.window_ms, settings.lateness_ms, settings.tolerance_ms)
        self._changing_pools = changing_pools
        self._broker = Logs(settings.kafka_bootstrap)
        self.logs = {topic: Log(self._broker, topic) for topic in TOPICS}

    def close(self) -> None:
        """Close the clients."""
        self._broker.close()

    def settle(self, seconds: float = SETTLE_SECONDS) -> None:
        """Return once the ledger has every line of the log, including lines forwarded meanwhile.

        The ledger is read before the source. A forward commits together with its ledger row, so if the source then
        shows no lines beyond those in the ledger, no more will come.
        """
        until(self._is_settled, seconds, "every line is in the ledger")

    def _is_settled(self) -> bool:
        self.logs[LEDGER].read_to_end()
        self.logs[IMPRESSIONS].read_to_end()
        known = self.logs[LEDGER].counted_lines()
        return all(known[partition] >= count for partition, count in self.logs[IMPRESSIONS].lines().items())

    def check(self, seconds: float = SETTLE_SECONDS) -> Judge:
        """Settle, then compare everything with the oracle; return what it judged. Fails on any difference."""
        self.settle(seconds)
        for log in self.logs.values():
            log.read_to_end()
        source = self.logs[IMPRESSIONS]
        expected = judged(source.records, self._rules, source.partitions)
        wrong = [each for each in self._compare(expected) if each.found]
        assert not wrong, "\n".join(map(str, wrong))
        return expected

    def _compare(self, expected: Judge) -> Iterable[Difference]:
        """Compare each output topic row by row."""
        accepted, ledger, rejected = map(self.rows, (ACCEPTED, LEDGER, REJECTED))
        rows = map(written.accepted, accepted)
        yield compare("I1", "accepted", Accepted._fields, ACCEPTED_KEY, expected.accepted.values(), rows)
        yield compare("I1", "ledger", LedgerRow._fields, LEDGER_KEY, expected.ledger, map(written.ledger, ledger))
        found = map(written.rejected, rejected)
        yield compare("I1", "rejected", Rejected._fields, REJECTED_KEY, expected.rejected, found)
        columns = (*Coverage._fields, "updated_at")
        covered = self._coverage()
        yield compare("I1", "coverage", columns, COVERAGE_KEY, self._coverage_expected(expected, covered), covered)
        forwarded = [found_row(record) for record in self.logs[IMPRESSIONS].records if record.origin is not None]
        yield compare("I1", "forwarded records", COLUMNS, KEY, expected_rows(expected.forwards), forwarded)

    def rows(self, topic: str) -> list[Row]:
        """Every row read from an output topic. Each must be in the partition of its source."""
        found = []
        for record in self.logs[topic].records:
            for line in lines_of(record.value):
                row: Row = orjson.loads(line)
                assert row["source_partition"] == record.partition
                found.append(row)
        return found

    def _coverage(self) -> list[tuple[object, ...]]:
        """The latest value of each key."""
        latest: dict[bytes | None, Row] = {}
        for record in self.logs[COVERAGE].records:
            if record.value is None:  # everything that the user saw of the pool has moved to other pools
                latest.pop(record.key, None)
                continue
            row: Row = orjson.loads(record.value)
            assert record.key == f"{row['user_id']}|{row['pool_id']}".encode()
            assert record.partition == home_of(row["user_id"], self.logs[COVERAGE].partitions)
            latest[record.key] = row
        return [
            (*written.coverage(row), row["updated_at"])
            for row in latest.values()
            if row["pool_id"] not in self._changing_pools
        ]

    def _coverage_expected(self, expected: Judge, found: list[tuple[object, ...]]) -> list[tuple[object, ...]]:
        """A row is as old as a line of the user: the last that changed it, or with which a worker took the user up."""
        times: dict[str, list[int]] = {}
        for line in expected.ledger:
            if line.transport and not line.forwarded:  # a line rejected whole has no transport
                times.setdefault(line.user_id, []).append(line.appended_at)
        said = {(row[0], row[1]): row[-1] for row in found}
        return [
            (*row, at if (at := said.get(row[:2])) in times[row.user_id] else times[row.user_id][-1])
            for row in catalogue_of(self.logs[ARTWORKS].records).coverage(expected.seen)
            if row.pool_id not in self._changing_pools
        ]


def of_user(rows: Iterable[Row], user_id: str) -> list[Row]:
    """The rows of one user, in log order."""
    return sorted((row for row in rows if row["user_id"] == user_id), key=_place)


def _place(row: Row) -> tuple[int, ...]:
    return tuple(row[name] for name in ("source_partition", "source_offset", "line"))
