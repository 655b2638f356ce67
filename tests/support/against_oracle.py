"""Compare everything that a worker wrote to an in-memory log with the oracle's reading of its source."""

from collections.abc import Iterable, Sequence

import orjson

from oracle.catalogue import Catalogue
from oracle.forwards import expected_rows, found_row
from oracle.judge import Judge
from oracle.rows import Coverage
from oracle.rules import Record, Rules
from streams.kafka import names
from tests.support import written
from tests.support.memory_log import TOPIC_ID, MemoryLog


def judged(records: Iterable[Record], rules: Rules, partitions: int) -> Judge:
    """Judge a log whose records may come in any order."""
    judge = Judge(rules, partitions)
    for record in sorted(records, key=lambda record: (record.partition, record.offset)):
        judge.judge(record)
    return judge


def artwork(key: bytes | None, value: bytes | None) -> Record:
    """A catalogue record."""
    return Record("catalogue", 0, 0, None, key, value)


def catalogue_of(records: Iterable[Record]) -> Catalogue:
    """Read a catalogue log."""
    catalogue = Catalogue()
    for record in records:
        catalogue.read(record)
    return catalogue


def assert_same(log: MemoryLog, catalogue: Sequence[Record] = ()) -> Judge:
    """Assert that every topic has exactly the oracle's rows, in log order and once each; return what the oracle
    judged."""
    limits = log.first_settings
    rules = Rules(limits.window_ms, limits.lateness_ms, limits.tolerance_ms, tuple(log.lateness_changes))
    records = [
        Record(TOPIC_ID, number, record.offset, record.appended_at, None, record.value)
        for number, source in log.source.items()
        for record in source
    ]
    expected = judged(records, rules, log.partitions)
    assert [written.accepted(row) for row in log.rows(names.ACCEPTED)] == list(expected.accepted.values())
    assert [written.ledger(row) for row in log.rows(names.LEDGER)] == expected.ledger
    assert [written.rejected(row) for row in log.rows(names.REJECTED)] == expected.rejected
    forwarded = [
        found_row(Record(TOPIC_ID, home, record.offset, record.appended_at, None, record.value, orjson.dumps(origin)))
        for record, home, origin in log.forwarded
    ]
    assert sorted(forwarded, key=repr) == sorted(expected_rows(expected.forwards), key=repr)
    rows = catalogue_of(catalogue).coverage(expected.seen)
    assert _latest_coverage(log) == {(row.user_id, row.pool_id): row for row in rows}, "coverage.v1"
    return expected


def _latest_coverage(log: MemoryLog) -> dict[tuple[str, str], Coverage]:
    """The latest value of each key of coverage.v1."""
    latest: dict[tuple[str, str], Coverage] = {}
    for key, value in log.values(names.COVERAGE):
        user_id, pool_id = (key or b"").decode().split("|")
        if value is None:
            latest.pop((user_id, pool_id), None)
        else:
            row = latest[user_id, pool_id] = written.coverage(orjson.loads(value))
            assert (row.user_id, row.pool_id) == (user_id, pool_id)
    return latest
