"""Lost state that the changelog can't restore is refused loudly, never guessed (rule 7); a new log keeps the state."""

import shutil
from collections.abc import Iterator

import pytest

from streams.errors import UserError
from streams.kafka.admin import describe
from streams.kafka.names import IMPRESSIONS, LEDGER, changelog
from streams.state.partition_state import Table
from tests.support.audit import of_user
from tests.support.load import Raw, at_home, flush, impression, now_ms, user_at
from tests.support.stack import Installation, provision_log, running_installation
from tests.support.topics import delete
from tests.support.wait import until
from tests.support.worker import WorkerProcess

pytestmark = pytest.mark.integration

SECONDS = 60.0
# sysexits.h's EX_CONFIG: restarting does not help.
REFUSED = 78
USER = user_at(0, "keeper")


@pytest.fixture(scope="module")
def module_installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """A broker of the module's own, because these tests delete topics."""
    with running_installation(tmp_path_factory.mktemp("lost"), clickhouse=False) as installation:
        yield installation


@pytest.fixture
def lost(module_installation: Installation) -> Installation:
    """The module's installation, without a worker."""
    module_installation.no_worker()
    return module_installation


def refusal(worker: WorkerProcess) -> str:
    """Start a worker that must refuse; return its one error sentence."""
    assert worker.start().wait_exit() == REFUSED, worker.output()
    output = worker.output()
    assert "Traceback" not in output
    lines = [line for line in output.splitlines() if '"refused"' in line]
    assert len(lines) >= 1
    return lines[0]


def test_another_window_is_refused(lost: Installation) -> None:
    changed = lost.settings.model_copy(update={"dedupe_window_seconds": 300})
    with pytest.raises(UserError, match=r"600 s since the first provisioning, not 300 s.*DEDUPE_WINDOW_SECONDS back"):
        provision_log(changed)
    assert "window of 600000 ms and 4 partitions, not 300000 ms" in refusal(WorkerProcess(changed))


def test_a_re_created_source_starts_at_0_and_the_state_is_kept(lost: Installation) -> None:
    now = now_ms()
    line = flush(USER, [impression("a0001", now)])
    worker = lost.worker()
    old = describe(lost.settings, IMPRESSIONS).topic_id
    lost.produce([Raw(0, b"{"), Raw(0, b"{"), at_home(USER, line)])
    lost.audit.check()
    assert worker.stop() == 0

    delete(lost.settings, IMPRESSIONS)
    provision_log(lost.settings)
    new = describe(lost.settings, IMPRESSIONS).topic_id
    assert new != old
    lost.produce([at_home(USER, line), at_home(USER, flush(USER, [impression("a0002", now)]))])
    worker.start().wait_ready()
    ledger = lost.audit.logs[LEDGER]

    def rows() -> list[tuple[str, int, int, int]]:
        ledger.read_to_end()
        names = ("source_topic_id", "source_offset", "accepted", "duplicates")
        return [tuple(row[name] for name in names) for row in of_user(lost.audit.rows(LEDGER), USER)]

    expected = {(old, 2, 1, 0), (new, 0, 0, 1), (new, 1, 1, 0)}
    until(lambda: set(rows()) == expected, SECONDS, f"the rows {expected}")
    assert len(rows()) == len(expected)


def test_lost_changelogs_are_refused_at_every_start(lost: Installation) -> None:
    """This test comes last: only `impressions rebuild` leads back from it."""
    worker, settings = lost.worker(), lost.settings
    assert worker.stop() == 0
    rows = lost.ledger_records()

    delete(settings, changelog(Table.WINDOWS))
    assert "impressions rebuild" in refusal(worker)
    with pytest.raises(UserError, match=r"was lost.*impressions rebuild"):
        provision_log(settings)
    assert "impressions rebuild" in refusal(worker)
    shutil.rmtree(worker.state)
    # Twice, because a refused start must not leave anything that makes the next one succeed.
    for _ in range(2):
        assert "impressions rebuild" in refusal(worker)

    delete(settings, changelog(Table.COVERAGE))
    # It holds the positions: creating new ones would be guessing.
    for _ in range(2):
        with pytest.raises(UserError, match=r"was lost.*impressions rebuild"):
            provision_log(settings)
        assert "impressions rebuild" in refusal(worker)
    assert lost.ledger_records() == rows
