"""A line on which our own code fails stops its partition for three crashes, and no longer."""

import sys
from collections.abc import Iterator

import orjson
import pytest

from streams.kafka.names import ACCEPTED, LEDGER, REJECTED
from tests.support import poisoned_worker
from tests.support.audit import of_user
from tests.support.flushes import payload
from tests.support.load import Raw, at_home, flush, home, impression, now_ms, user_at
from tests.support.poisoned_worker import POISONED_USER, UNREADABLE_USER
from tests.support.stack import Installation, running_installation
from tests.support.wait import until
from tests.support.worker import WorkerProcess

pytestmark = pytest.mark.integration

SECONDS = 60.0
ATTEMPTS = 3
# sysexits.h's EX_SOFTWARE.
DEFECT = 70
# And its EX_CONFIG.
REFUSED = 78


@pytest.fixture(scope="module")
def defective(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """A stack of its own, because the oracle knows nothing of our defects."""
    with running_installation(tmp_path_factory.mktemp("defective"), clickhouse=False) as installation:
        yield installation


def test_after_three_crashes_the_line_is_rejected_and_the_partition_continues(defective: Installation) -> None:
    partition = home(POISONED_USER)
    neighbour, now = user_at(partition, "neighbour"), now_ms()
    poison = flush(POISONED_USER, [impression("a0001", now), impression("a0002", now)])
    before = flush(neighbour, [impression("a0001", now)])
    behind = flush(neighbour, [impression("a0002", now)])
    defective.produce([Raw(partition, before), Raw(partition, b"\n".join([before, poison, behind]))])
    worker = WorkerProcess(defective.settings, 0, (sys.executable, poisoned_worker.__file__, "worker"))
    try:
        for attempt in range(1, ATTEMPTS + 1):
            assert worker.start().wait_exit() == DEFECT
            (failed,) = [event for event in _events(worker) if event["event"] == "line_failed"]
            assert (failed["line"], failed["attempts"], failed["partition"]) == (1, attempt, partition)
        worker.start().wait_ready()
        defective.audit.settle(SECONDS)
        until(lambda: "impressions_worker_poisoned_lines_total 1.0" in worker.metrics(), SECONDS, "an alert can fire")
        assert worker.stop() == 0
    finally:
        worker.kill()

    for log in defective.audit.logs.values():
        log.read_to_end()
    (row,) = defective.audit.rows(REJECTED)
    assert (row["reason"], row["line"], row["idx"], payload(row)) == ("malformed", 1, -1, poison)
    assert "failed" in row["detail"]
    accepted = of_user(defective.audit.rows(ACCEPTED), neighbour)
    assert [each["artwork_id"] for each in accepted] == ["a0001", "a0002"]
    ledger = defective.audit.rows(LEDGER)
    assert [(each["line"], each["accepted"], each["duplicates"], each["rejected"]) for each in ledger] == [
        (0, 1, 0, 0),
        (0, 0, 1, 0),
        (1, 0, 0, 1),
        (2, 1, 0, 0),
    ]


def test_a_state_that_cannot_be_read_ends_the_worker_and_rejects_nothing(defective: Installation) -> None:
    """The line is not to blame, however often it happens: once the store can be read, the line is decided."""
    before = len(defective.audit.rows(REJECTED))
    defective.produce([at_home(UNREADABLE_USER, flush(UNREADABLE_USER, [impression("a0001", now_ms())]))])
    worker = WorkerProcess(defective.settings, 0, (sys.executable, poisoned_worker.__file__, "worker"))
    try:
        for _ in range(ATTEMPTS + 1):
            assert worker.start().wait_exit() == REFUSED
            assert "the store can't be read" in worker.output()
    finally:
        worker.kill()
    healthy = defective.worker(0)
    defective.audit.settle(SECONDS)
    assert healthy.stop() == 0
    for log in defective.audit.logs.values():
        log.read_to_end()
    assert len(of_user(defective.audit.rows(ACCEPTED), UNREADABLE_USER)) == 1
    assert len(defective.audit.rows(REJECTED)) == before


def _events(worker: WorkerProcess) -> list[dict[str, object]]:
    """What it logged. Faust's own terminal codes may precede a line."""
    lines = [line for line in worker.output().splitlines() if "{" in line]
    return [orjson.loads(line[line.index("{") :]) for line in lines]
