"""From the log to what analysts read, with everything dying on the way: the views equal the recount."""

from collections.abc import Iterator
from random import Random
from typing import Any

import pytest

from demo.check.compare import compare, invariants
from demo.result_reader import ResultReader
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
def reader(installation: Installation) -> Iterator[ResultReader]:
    """What analysts see."""
    found = ResultReader(installation.settings)
    yield found
    found.close()


def count(reader: ResultReader, view: str) -> int:
    return int(reader.one(f"SELECT count() AS n FROM {view}")["n"])


def check(installation: Installation, reader: ResultReader) -> None:
    """Every view, row for row, once the sink has brought all of it."""
    expected = installation.audit.check()
    due = {
        "ledger": len(expected.ledger),
        "impressions": len(expected.accepted),
        "rejected": len(expected.rejected),
    }
    until(
        lambda: all(count(reader, view) >= rows for view, rows in due.items()),
        SECONDS,
        f"the views have {due} rows",
    )
    wrong = [each for each in compare(reader, expected) if each.differences]
    assert not wrong, "\n".join(map(str, wrong))
    broken = invariants(reader, installation.settings.window_ms)
    assert not any(broken.values()), broken


def test_views_equal_the_recount_whatever_is_killed(
    installation: Installation, sink: SinkProcess, reader: ResultReader
) -> None:
    rng = Random(11)
    worker = installation.only_worker(chunk_records=20)
    for kill in range(KILLS):
        goal = count(reader, "ledger") + rng.randint(1, 300)
        with background(lambda: installation.produce(load(rng, "pipeline", 6_000))):
            until(lambda goal=goal: count(reader, "ledger") >= goal, SECONDS, "rows before a kill")  # type: ignore[misc]
            sink.kill()
            if kill % 2:
                worker.kill()
                worker.start()
            sink.start()
    worker.wait_ready()
    check(installation, reader)
    sink.wait_ready()
    assert sink.stop() == 0


def test_coverage_follows_the_catalogue_for_who_does_nothing(
    installation: Installation, sink: SinkProcess, reader: ResultReader
) -> None:
    installation.only_worker()
    user_id, unknown = "idle", "c-unknown"
    seen = [impression(artwork_id, now_ms()) for artwork_id in ("c0", "c1", unknown)]
    installation.produce([at_home(user_id, flush(user_id, seen))])

    def coverage() -> list[dict[str, Any]]:
        return reader.query(f"SELECT pool_id, seen, pool_size FROM user_coverage WHERE user_id = '{user_id}'")

    def becomes(seen: int, pool_size: int, what: str) -> None:
        expected = [{"pool_id": CHANGING_POOL, "seen": seen, "pool_size": pool_size}]
        until(lambda: coverage() == expected, CATALOGUE_SECONDS, what)

    size = CHANGING_ARTWORKS
    becomes(2, size, "the coverage is there")
    installation.catalogue([("c0", {"pool_id": CHANGING_POOL, "ordinal": CHANGING_ORDINAL, "retired": True})])
    becomes(1, size - 1, "a retired artwork leaves the pool")
    installation.catalogue([("c9", None)])
    becomes(1, size - 2, "a tombstone retires")
    installation.catalogue([(unknown, {"pool_id": CHANGING_POOL, "ordinal": CHANGING_ORDINAL + size})])
    becomes(2, size - 1, "an artwork that was seen before the catalogue knew it counts")
    # A catalogue record that uses another's ordinal is refused by everyone.
    installation.catalogue([("c-thief", {"pool_id": CHANGING_POOL, "ordinal": CHANGING_ORDINAL + 1})])
    check(installation, reader)
    becomes(2, size - 1, "nothing else changed")
