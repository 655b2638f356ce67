"""From the log to what analysts read, while every process is killed along the way: the views equal the oracle."""

from collections.abc import Iterator
from contextlib import closing
from random import Random

import pytest

from demo.invariants import invariants
from demo.settle import oracle_of
from oracle.views import Views
from tests.support.background import background
from tests.support.load import at_home, flush, impression, load, now_ms
from tests.support.sink import SinkProcess
from tests.support.stack import CHANGING_ARTWORKS, CHANGING_ORDINAL, CHANGING_POOL, Installation
from tests.support.wait import until

pytestmark = pytest.mark.integration

SECONDS = 90.0
KILLS = 4
# Rule 5: what readers see follows the catalogue within a minute.
CATALOGUE_SECONDS = 60.0


@pytest.fixture
def sink(installation: Installation) -> Iterator[SinkProcess]:
    settings = installation.settings.model_copy(update={"sink_flush_seconds": 0.1})
    with SinkProcess(settings, settings.data_dir) as found:
        yield found


@pytest.fixture
def views(installation: Installation) -> Iterator[Views]:
    """What analysts see."""
    settings = installation.settings
    found = Views(*settings.clickhouse_address, settings.clickhouse_database)
    yield found
    found.close()


def ledger_rows(views: Views) -> int:
    return int(views.rows("SELECT count() FROM ledger")[0][0])


def check(installation: Installation, views: Views) -> None:
    """Compare every topic and every view, row by row, once the sink has delivered everything."""
    installation.audit.check()
    with closing(oracle_of(installation.settings)) as oracle:
        assert oracle.wait(SECONDS)
        wrong = [each for each in oracle.compare_views() if each.found]
    assert not wrong, "\n".join(map(str, wrong))
    broken = invariants(views, installation.settings.window_ms)
    assert not any(broken.values()), broken


def test_views_equal_the_oracle_whatever_is_killed(installation: Installation, sink: SinkProcess, views: Views) -> None:
    rng = Random(11)
    worker = installation.only_worker(chunk_records=20)
    for kill in range(KILLS):
        goal = ledger_rows(views) + rng.randint(1, 300)
        with background(lambda: installation.produce(load(rng, "pipeline", 6_000))):
            until(lambda goal=goal: ledger_rows(views) >= goal, SECONDS, "rows before a kill")  # type: ignore[misc]
            sink.kill()
            if kill % 2:
                worker.kill()
                worker.start()
            sink.start()
    worker.wait_ready()
    check(installation, views)
    sink.wait_ready()
    assert sink.stop() == 0


def test_coverage_follows_the_catalogue_for_inactive_users(
    installation: Installation, sink: SinkProcess, views: Views
) -> None:
    installation.only_worker()
    user_id, unknown = "idle", "c-unknown"
    seen = [impression(artwork_id, now_ms()) for artwork_id in ("c0", "c1", unknown)]
    installation.produce([at_home(user_id, flush(user_id, seen))])

    asked = f"SELECT pool_id, seen, pool_size FROM user_coverage WHERE user_id = '{user_id}'"

    def becomes(seen: int, pool_size: int, what: str) -> None:
        expected = [(CHANGING_POOL, seen, pool_size)]
        until(lambda: list(map(tuple, views.rows(asked))) == expected, CATALOGUE_SECONDS, what)

    size = CHANGING_ARTWORKS
    becomes(2, size, "the coverage has arrived")
    installation.catalogue([("c0", {"pool_id": CHANGING_POOL, "ordinal": CHANGING_ORDINAL, "retired": True})])
    becomes(1, size - 1, "a retired artwork leaves the pool")
    installation.catalogue([("c9", None)])
    becomes(1, size - 2, "a tombstone retires")
    installation.catalogue([(unknown, {"pool_id": CHANGING_POOL, "ordinal": CHANGING_ORDINAL + size})])
    becomes(2, size - 1, "an artwork that was seen before the catalogue knew it counts")
    # Everyone refuses a catalogue record that uses another artwork's ordinal.
    installation.catalogue([("c-thief", {"pool_id": CHANGING_POOL, "ordinal": CHANGING_ORDINAL + 1})])
    check(installation, views)
    becomes(2, size - 1, "nothing else changed")
