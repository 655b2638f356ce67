"""Everything that a worker wrote to a log in memory, held against the independent recount of its source."""

from collections.abc import Sequence
from dataclasses import asdict

import orjson

from demo.check.recount import recount, split_lines
from demo.check.recount_types import CatalogueRecord, Config, Record, Result
from streams.core.partitioner import partition_of
from streams.kafka import names
from tests.support.flushes import payload, without
from tests.support.memory_log import TOPIC_ID, MemoryLog, Row


def expected_of(log: MemoryLog, catalogue: Sequence[CatalogueRecord] = ()) -> Result:
    """Recount the source, forwarded records included."""
    limits = log.settings
    config = Config(limits.window_ms, limits.lateness_ms, limits.tolerance_ms, log.partitions)
    records = [
        Record(TOPIC_ID, number, record.offset, record.appended_at, record.value)
        for number, source in log.source.items()
        for record in source
    ]
    return recount(records, catalogue, config)


def assert_same(log: MemoryLog, catalogue: Sequence[CatalogueRecord] = (), coverage: bool = True) -> Result:
    """Assert that every row of every topic is the recount's, in log order, each once; return the recount."""
    expected = expected_of(log, catalogue)
    assert log.rows(names.ACCEPTED) == [asdict(row) for row in expected.accepted]
    assert [without(row, "processed_at") for row in log.rows(names.LEDGER)] == [asdict(row) for row in expected.ledger]
    rejected = [without(row, "detail") | {"payload": payload(row)} for row in log.rows(names.REJECTED)]
    assert [without(row, "payload_encoding") for row in rejected] == [
        without(asdict(row), "detail") for row in expected.rejected
    ]
    _assert_forwards(log, expected)
    if coverage:
        assert latest_coverage(log) == {(row.user_id, row.pool_id): asdict(row) for row in expected.coverage}, (
            "coverage.v1"
        )
    return expected


def latest_coverage(log: MemoryLog) -> dict[tuple[str, str], Row]:
    """The latest value of each key of coverage.v1, without `updated_at`."""
    latest: dict[tuple[str, str], Row] = {}
    for key, value in log.values(names.COVERAGE):
        user_id, pool_id = (key or b"").decode().split("|")
        if value is None:
            latest.pop((user_id, pool_id), None)
        else:
            row = without(orjson.loads(value), "updated_at")
            assert (row["user_id"], row["pool_id"]) == (user_id, pool_id)
            latest[user_id, pool_id] = row
    return latest


def _assert_forwards(log: MemoryLog, expected: Result) -> None:
    """Each misrouted line was sent on once, whole, to where it belongs, with its origin."""
    values = {(n, record.offset): split_lines(record.value) for n, source in log.source.items() for record in source}
    wanted = [
        (partition_of(row.user_id, log.partitions), values[row.source_partition, row.source_offset][row.line], place)
        for row in expected.ledger
        if row.forwarded
        for place in [(row.source_topic_id, row.source_partition, row.source_offset, row.line)]
    ]
    found = [
        (home, record.value, (origin["topic_id"], origin["partition"], origin["offset"], origin["line"]))
        for record, home, origin in log.forwarded
    ]
    assert sorted(found, key=repr) == sorted(wanted, key=repr)
