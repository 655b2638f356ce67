"""Everything that the worker wrote, held against the recount of everything that it read."""

import base64
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

import orjson

from demo.check.compare import IMPRESSION, LINE
from demo.check.differences import Comparison, compare_rows
from demo.check.forwards import compare_forwards
from demo.check.recount import recount, split_lines
from demo.check.recount_log import LogReader
from demo.check.recount_partition import partition_of
from demo.check.recount_types import Config, Rejected, Result
from streams.kafka.names import ACCEPTED, ARTWORKS, COVERAGE, IMPRESSIONS, LEDGER, REJECTED
from streams.settings import Settings
from tests.support.wait import until

TOPICS = (LEDGER, ACCEPTED, REJECTED, COVERAGE, ARTWORKS, IMPRESSIONS)
# A recovery, a rebalance and the backlog behind them, on a busy machine.
SETTLE_SECONDS = 120.0

Row = dict[str, Any]


class Audit:
    """Follows the topics of an installation, `read_committed`; what was read once is kept."""

    def __init__(self, settings: Settings, changing_pools: frozenset[str] = frozenset()) -> None:
        """`changing_pools` are those whose catalogue changes after a user's last impression, where `coverage.v1` may
        stand still (rule 5)."""
        self._settings = settings
        self._changing_pools = changing_pools
        self.logs = {topic: LogReader(settings.kafka_bootstrap, topic) for topic in TOPICS}

    def close(self) -> None:
        """Leave the broker."""
        for log in self.logs.values():
            log.close()

    def settle(self, seconds: float = SETTLE_SECONDS) -> None:
        """Return once every line of the log is in the ledger, those forwarded meanwhile included.

        The ledger is read before the source: a forward commits with its ledger row, so lines that the ledger
        already knows when the source shows no more of them are all that will ever come.
        """
        until(lambda: self._behind() <= 0, seconds, "every line is in the ledger")

    def _behind(self) -> int:
        self.logs[LEDGER].read_to_end()
        known = Counter({m.partition: 0 for m in self.logs[LEDGER].messages})
        for message in self.logs[LEDGER].messages:
            known[message.partition] += len(split_lines(message.value))
        self.logs[IMPRESSIONS].read_to_end()
        lines: Counter[int] = Counter()
        for message in self.logs[IMPRESSIONS].messages:
            lines[message.partition] += len(split_lines(message.value))
        return max((count - known[partition] for partition, count in lines.items()), default=0)

    def check(self, seconds: float = SETTLE_SECONDS) -> Result:
        """Settle, then hold everything against the recount; return the recount. Fails on any difference."""
        self.settle(seconds)
        for log in self.logs.values():
            log.read_to_end()
        expected = self.expected()
        wrong = [each for each in self.compare(expected) if each.differences]
        assert not wrong, "\n".join(map(str, wrong))
        return expected

    def expected(self) -> Result:
        """Recount what has been read of the source."""
        source, catalogue = self.logs[IMPRESSIONS], self.logs[ARTWORKS]
        limits = self._settings
        config = Config(limits.window_ms, limits.lateness_ms, limits.tolerance_ms, source.partitions)
        return recount(source.records(), catalogue.catalogue(), config)

    def compare(self, expected: Result) -> list[Comparison]:
        """Compare each output topic, row for row."""
        source = self.logs[IMPRESSIONS]
        return [
            compare_rows("accepted", map(asdict, expected.accepted), self.rows(ACCEPTED), IMPRESSION),
            compare_rows("ledger", map(asdict, expected.ledger), map(_ledger, self.rows(LEDGER)), LINE),
            compare_rows("rejected", map(_without_detail, expected.rejected), self._rejected(), IMPRESSION),
            compare_rows("coverage", self._coverage_expected(expected), self._coverage(), ("user_id", "pool_id")),
            compare_forwards(source.messages, expected.ledger, source.partitions),
        ]

    def rows(self, topic: str) -> list[Row]:
        """Every row of an output topic that has been read. Each lies in the partition of its source."""
        found = []
        for message in self.logs[topic].messages:
            for line in split_lines(message.value):
                row: Row = orjson.loads(line)
                assert row["source_partition"] == message.partition
                found.append(row)
        return found

    def _rejected(self) -> list[Row]:
        rows = []
        for row in self.rows(REJECTED):
            assert row["detail"]
            rows.append({**row, "payload": payload(row), "detail": ""})
            del rows[-1]["payload_encoding"]
        return rows

    def _coverage(self) -> Iterable[Row]:
        """The latest value of each key."""
        latest: dict[bytes | None, Row] = {}
        for message in self.logs[COVERAGE].messages:
            if message.value is None:  # all that the user saw of the pool has moved to others
                latest.pop(message.key, None)
                continue
            row: Row = orjson.loads(message.value)
            assert message.key == f"{row['user_id']}|{row['pool_id']}".encode()
            assert message.partition == partition_of(row["user_id"], self.logs[COVERAGE].partitions)
            latest[message.key] = row
        return [row for row in latest.values() if row["pool_id"] not in self._changing_pools]

    def _coverage_expected(self, expected: Result) -> list[Row]:
        touched = {
            row.user_id: row.appended_at
            for row in expected.ledger
            if not row.forwarded and row.transport  # a line rejected whole has none, and touches nobody
        }
        return [
            asdict(row) | {"updated_at": touched[row.user_id]}
            for row in expected.coverage
            if row.pool_id not in self._changing_pools
        ]


def payload(row: Row) -> bytes:
    """The bytes that a rejected row keeps."""
    text: str = row["payload"]
    return base64.b64decode(text) if row["payload_encoding"] == "base64" else text.encode()


def _ledger(row: Row) -> Row:
    return {name: value for name, value in row.items() if name != "processed_at"}


def _without_detail(row: Rejected) -> Row:
    return asdict(row) | {"detail": ""}


def of_user(rows: Iterable[Row], user_id: str) -> list[Row]:
    """The rows of one user, in log order."""
    return sorted((row for row in rows if row["user_id"] == user_id), key=_place)


def _place(row: Row) -> tuple[int, ...]:
    return tuple(row[name] for name in ("source_partition", "source_offset", "line"))
