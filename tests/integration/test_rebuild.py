"""State rebuilt from ClickHouse decides as the lost state did (rule 7)."""

from collections.abc import Iterator

import pytest

from streams.embedded import stack
from streams.errors import UserError
from streams.kafka.names import LEDGER, changelog
from streams.rebuild.run import rebuild
from streams.state.partition_state import Table
from tests.support.audit import of_user
from tests.support.load import at_home, flush, impression, now_ms
from tests.support.stack import Installation, running_installation
from tests.support.topics import delete
from tests.support.wait import until

pytestmark = pytest.mark.integration

# The worker's session has to end, and the sink has to catch up.
SECONDS = 90.0
USER = "rebuilt"
NOT_YET = ("Workers still belong", "does not have all")


@pytest.fixture(scope="module")
def lost(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """A stack of its own with a sink, because the test deletes its changelogs."""
    with running_installation(tmp_path_factory.mktemp("rebuild")) as installation:
        stack.up(installation.settings, ["sink-0"], out=lambda _: None)
        yield installation


def test_rebuilt_state_decides_as_the_lost_state_did(lost: Installation) -> None:
    worker, now = lost.worker(), now_ms()
    old = flush(USER, [impression("a0001", now - 7_200_000), impression("unknown", now - 7_200_000)])
    recent = flush(USER, [impression("a0002", now)])
    lost.produce([at_home(USER, old), at_home(USER, recent)])
    lost.audit.settle()
    with pytest.raises(UserError, match="Workers still belong"):
        rebuild(lost.settings, lambda _: None)
    assert worker.stop() == 0
    for table in Table:
        delete(lost.settings, changelog(table))

    lines = until(lambda: _rebuilt(lost), SECONDS, "the session is over, and ClickHouse has everything")
    assert lines is not None
    assert any("decided up to offset 2" in line for line in lines)

    worker.start().wait_ready()
    again = flush(USER, [impression("a0001", now), impression("unknown", now), impression("a0002", now + 1)])
    lost.produce([at_home(USER, old), at_home(USER, recent), at_home(USER, again)])
    lost.audit.check()
    ledger = of_user(lost.audit.rows(LEDGER), USER)
    assert [(row["accepted"], row["fresh"], row["duplicates"]) for row in ledger] == [
        (2, 2, 0),
        (1, 1, 0),
        (0, 0, 2),
        (0, 0, 1),
        (2, 0, 1),
    ]


def _rebuilt(installation: Installation) -> list[str] | None:
    lines: list[str] = []
    try:
        rebuild(installation.settings, lines.append)
    except UserError as error:
        if not any(words in str(error) for words in NOT_YET):
            raise
        return None
    return lines
