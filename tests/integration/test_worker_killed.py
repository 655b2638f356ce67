"""A line that kills the process is found by the mark that the process leaves, and rejected; no other line is."""

import sys
from collections.abc import Iterator

import pytest

from streams.kafka.names import ACCEPTED, LEDGER, REJECTED
from tests.support import dying_worker
from tests.support.audit import of_user
from tests.support.dying_worker import DEADLY_USER
from tests.support.flushes import payload
from tests.support.load import Raw, flush, home, impression, now_ms, user_at
from tests.support.stack import Installation, running_installation
from tests.support.worker import WorkerProcess

pytestmark = pytest.mark.integration

SECONDS = 60.0
# One while the chunk is decided, which blames no line, and three on the line.
DEATHS = 4


@pytest.fixture(scope="module")
def deadly(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """A stack of its own, because the oracle knows nothing of our defects."""
    with running_installation(tmp_path_factory.mktemp("deadly"), clickhouse=False) as installation:
        yield installation


def test_a_line_that_killed_the_process_three_times_is_rejected_and_its_neighbours_are_not(
    deadly: Installation,
) -> None:
    partition = home(DEADLY_USER)
    neighbour, now = user_at(partition, "neighbour"), now_ms()
    lines = [flush(neighbour, [impression(f"a{n:04d}", now)]) for n in range(40)]
    lines.insert(20, flush(DEADLY_USER, [impression("a0001", now)]))
    deadly.produce([Raw(partition, b"\n".join(lines)), Raw(partition, flush(neighbour, [impression("a0100", now)]))])
    worker = WorkerProcess(deadly.settings, 0, (sys.executable, dying_worker.__file__, "worker"))
    try:
        for _ in range(DEATHS):
            worker.start().wait_exit()
        assert worker.output().count("chunk_failed") + worker.output().count("line_failed") == 1, "of its last life"
        worker.start().wait_ready()
        deadly.audit.settle(SECONDS)
        assert worker.stop() == 0
    finally:
        worker.kill()

    for log in deadly.audit.logs.values():
        log.read_to_end()
    (row,) = deadly.audit.rows(REJECTED)
    assert (row["reason"], row["line"], payload(row)) == ("malformed", 20, lines[20])
    assert "failed" in row["detail"]
    assert len(of_user(deadly.audit.rows(ACCEPTED), neighbour)) == 41
    assert sum(each["rejected"] for each in deadly.audit.rows(LEDGER)) == 1


def test_kills_from_outside_reject_nothing(deadly: Installation) -> None:
    user_id = user_at(0, "outside")
    worker = WorkerProcess(deadly.settings, 0)
    for number in range(5):
        worker.start().wait_ready()
        deadly.produce([Raw(0, flush(user_id, [impression(f"k{number}-{n}", now_ms())])) for n in range(2_000)])
        worker.kill()
    worker.start().wait_ready()
    try:
        deadly.audit.settle(SECONDS)
        assert worker.stop() == 0
    finally:
        worker.kill()
    for log in deadly.audit.logs.values():
        log.read_to_end()
    assert len(of_user(deadly.audit.rows(ACCEPTED), user_id)) == 10_000
    assert of_user(deadly.audit.rows(REJECTED), user_id) == []
