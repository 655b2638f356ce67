"""Whatever a record that the broker takes holds, the worker works it off in little memory, and goes on."""

from collections.abc import Iterator

import pytest

from bench.lib import hurtful
from oracle.rules import line_count
from streams.kafka.admin import watermarks
from streams.kafka.names import ACCEPTED, IMPRESSIONS, LEDGER, REJECTED
from streams.rebuild.source import first_record
from tests.support.audit import of_user
from tests.support.load import Raw, flush, impression, now_ms, user_at
from tests.support.stack import Installation, running_installation
from tests.support.topics import configure
from tests.support.wait import until
from tests.support.worker import WorkerProcess

pytestmark = pytest.mark.integration

PARTITION = 1
# Of which half is the idle worker: Python, Faust, and the clients of Kafka.
MOST_MIB = 400
SECONDS = 120.0
# sysexits.h's EX_CONFIG.
REFUSED = 78


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """A log of its own: the records stay in it, and other tests read their log as a whole."""
    with running_installation(tmp_path_factory.mktemp("hurtful"), clickhouse=False) as installation:
        yield installation


@pytest.fixture(scope="module")
def worker(log: Installation) -> WorkerProcess:
    """One worker for all records, whose memory shows what any of them cost."""
    return log.worker(0)


@pytest.mark.parametrize("name", hurtful.RECORDS)
def test_a_record_costs_little_memory_and_the_flush_after_it_is_judged(
    log: Installation, worker: WorkerProcess, name: str
) -> None:
    codec, made = hurtful.RECORDS[name]
    value = made()
    user_id = user_at(PARTITION, f"after-{codec}-{len(value)}")
    hurtful.produce(log.settings, PARTITION, codec, value)
    log.produce([Raw(PARTITION, flush(user_id, [impression("a0001", now_ms())]))])
    log.audit.settle(SECONDS)
    for topic in (ACCEPTED, LEDGER, REJECTED, IMPRESSIONS):
        log.audit.logs[topic].read_to_end()

    assert [row["artwork_id"] for row in of_user(log.audit.rows(ACCEPTED), user_id)] == ["a0001"]
    record = next(each for each in log.audit.logs[IMPRESSIONS].records if each.value == value)
    lines = line_count(value)
    for topic in (LEDGER, REJECTED):
        rows = [row for row in log.audit.rows(topic) if row["source_offset"] == record.offset]
        assert sum(row["lines"] for row in rows) == lines
        assert len(rows) <= 1_000 + lines / 900
    assert worker.pid is not None
    assert hurtful.peak_mib(worker.pid) < MOST_MIB
    assert worker.is_running


def test_a_worker_that_starts_within_a_record_goes_on_there(log: Installation, worker: WorkerProcess) -> None:
    """The position is in the record: what was committed of it isn't decided again."""
    value = b"\n".join(b"%d" % number for number in range(60_000))
    user_id = user_at(PARTITION, "after-a-restart")
    log.produce([Raw(PARTITION, value), Raw(PARTITION, flush(user_id, [impression("a0001", now_ms())]))])
    committed = log.ledger_records()
    until(lambda: log.ledger_records() >= committed + 2, SECONDS, "the record is being decided")
    worker.kill()
    log.worker(0)
    log.audit.settle(SECONDS)
    for topic in (LEDGER, IMPRESSIONS):
        log.audit.logs[topic].read_to_end()
    record = next(each for each in log.audit.logs[IMPRESSIONS].records if each.value == value)
    rows = [row for row in log.audit.rows(LEDGER) if row["source_offset"] == record.offset]
    assert [row["line"] for row in rows[:1_000]] == list(range(1_000))
    assert [(row["line"], row["lines"]) for row in rows[1_000:]] == [(1_000 * n, 1_000) for n in range(1, 60)]


def test_a_rebuild_reads_a_record_that_is_larger_than_what_the_client_unpacks(log: Installation) -> None:
    value = b'{"a":"' + b"x" * (80 * hurtful.MIB) + b'"}'
    offset = watermarks(log.settings, IMPRESSIONS, PARTITION)[1]
    hurtful.produce(log.settings, PARTITION, "zstd", value)
    found = first_record(log.settings, PARTITION, offset)
    assert found is not None
    assert found.value() == value


def test_records_of_the_producers_time_end_the_worker(log: Installation) -> None:
    """A must be the broker's. Last in this file: the log can't be read any further."""
    running = log.worker(0)
    configure(log.settings, IMPRESSIONS, "message.timestamp.type", "CreateTime")
    log.produce([Raw(PARTITION, flush(user_at(PARTITION, "late"), [impression("a0001", now_ms())]))])
    assert running.wait_exit() == REFUSED
    assert "message.timestamp.type must be LogAppendTime" in running.output()
