"""The rollup of minutes on the real engine: at any moment it agrees with the ledger that it is made from."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from impression_streams.types import MAX_INTEGER as MOST
from streams.clickhouse.migrate import apply
from streams.core.summary import MOST_REPORTED
from streams.paths import migrations_folder
from streams.sink.feeds import LEDGER_ROWS, Table
from streams.sink.records import Row
from tests.support.background import meanwhile
from tests.support.clickhouse import Engine, running_engine
from tests.support.database import Database, migrated, refresh
from tests.support.flushes import WINDOW
from tests.support.rows import T0, ledger

COUNTS = "lines received accepted fresh duplicates rejected forwarded attempts failures dropped bytes unbalanced"
CAPPED = {
    "attempts": f"least(ledger.attempts, {MOST_REPORTED})",
    "failures": f"least(ledger.failures, ledger.attempts, {MOST_REPORTED})",
    "dropped": f"least(ledger.dropped, {MOST_REPORTED})",
    "unbalanced": "if(received != accepted + duplicates + rejected + forwarded, ledger.lines, 0)",
}
FAMILY = (
    "multiIf(client = '', '', splitByChar('-', client)[1] IN (SELECT family FROM client_families),"
    " splitByChar('-', client)[1], 'other')"
)
FROM_LEDGER = (
    f"SELECT toStartOfMinute(appended_at) AS minute, transport, tier, {FAMILY} AS client_family, "
    + ", ".join(f"sum({CAPPED.get(name, f'ledger.{name}')})" for name in COUNTS.split())
    + ", toString(quantilesDDIf(0.01, 0.5, 0.95, 0.99)("
    "toFloat64(dateDiff('millisecond', appended_at, processed_at)), forwarded = 0))"
    " FROM ledger GROUP BY minute, transport, tier, client_family ORDER BY minute, transport, tier, client_family"
)
FROM_MINUTES = (
    "SELECT minute, transport, tier, client_family, "
    + ", ".join(f"sum(m.{name})" for name in COUNTS.split())
    + ", toString(quantilesDDMerge(0.01, 0.5, 0.95, 0.99)(latency))"
    " FROM ledger_minutes AS m GROUP BY minute, transport, tier, client_family"
    " ORDER BY minute, transport, tier, client_family"
)


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    with running_engine(tmp_path_factory.mktemp("rollups")) as engine:
        yield engine


def some_ledger(rng: Random, first: dict[int, int]) -> list[Row]:
    """A block of a partition, starting at its next offset."""
    partition, count = rng.randrange(3), rng.randint(1, 20)
    start = first.get(partition, 0)
    first[partition] = start + count + rng.randrange(2)  # a transaction's marker is not a row
    return [one_ledger(rng, start + n, partition) for n in range(count)]


def one_ledger(rng: Random, offset: int, partition: int) -> Row:
    parts, lines = [rng.randrange(4) for _ in range(4)], rng.choice([1, 1, 1, 7, 1_000])
    at = T0 + rng.randrange(300_000)
    return ledger(
        offset,
        partition,
        **dict(zip(("accepted", "duplicates", "rejected", "forwarded"), parts, strict=True)),
        received=sum(parts) + (rng.random() < 0.1),
        lines=lines,
        fresh=rng.randint(0, parts[0]),
        transport=rng.choice(["fetch", "beacon", ""]),
        tier=rng.choice(["free", "pro"]),
        client=rng.choice(["", "firefox-153", "safari-ios-18.2", "curl", "Firefox-1", "-", "kiosk-7", "python-0.2"]),
        attempts=rng.choice([0, 1, 2, MOST_REPORTED + 1, MOST]),
        failures=rng.choice([0, 1, MOST]),
        dropped=rng.choice([0, 1, MOST]),
        appended_at=at,
        processed_at=at + rng.randrange(1, 500),
    )


@pytest.mark.parametrize("seed", range(4))
def test_minutes_match_the_ledger_whatever_was_rolled_up_or_inserted_again(db: Database, seed: int) -> None:
    rng, first = Random(seed), dict[int, int]()
    blocks: list[list[Row]] = []
    for _ in range(12):
        blocks.append(some_ledger(rng, first))
        db.put.ledger(*blocks[-1])
        if rng.random() < 0.4:
            again = rng.choice(blocks)
            db.put.ledger(*again[rng.randrange(len(again)) :])
        if rng.random() < 0.4:
            refresh(db, "ledger_minutes_refresh")
        assert db.rows(FROM_MINUTES) == db.rows(FROM_LEDGER)


def test_a_client_that_no_one_knows_counts_as_other_and_keeps_its_name_in_the_ledger(db: Database) -> None:
    given = {f"kiosk-{n}": "other" for n in range(50)} | {
        "-": "other",
        "firefox-153": "firefox",
        "curl": "curl",
        "": "",
    }
    db.put.ledger(*(ledger(n, received=1, accepted=1, attempts=1, client=each) for n, each in enumerate(given)))
    sums = "SELECT client_family, sum(received), sum(attempts) FROM kpi_clients GROUP BY client_family ORDER BY 1"
    expected = [("", 1, 1), ("curl", 1, 1), ("firefox", 1, 1), ("other", 51, 51)]
    assert db.rows(sums) == expected
    refresh(db, "ledger_minutes_refresh")
    assert db.rows(sums) == expected
    assert {client for (client,) in db.rows("SELECT client FROM ledger")} == set(given)


def test_what_was_added_up_before_clients_were_known_has_no_family(db: Database, tmp_path: Path) -> None:
    """The migration reaches a database in which a rollup holds minutes, and loses none of them."""
    earlier = tmp_path / "migrations"
    shutil.copytree(migrations_folder(), earlier)
    for newer in (file for file in earlier.iterdir() if file.name >= "0010"):
        newer.unlink()
    db.put.client.command(f"DROP DATABASE {db.name}")
    apply(db.put.client, earlier, db.name, WINDOW)
    without = {name: value for name, value in ledger(1, received=1, accepted=1).items() if name != "client"}
    table = Table("ledger_raw", tuple(each for each in LEDGER_ROWS.columns if each.field != "client"))
    db.put.insert(table, [without])
    refresh(db, "ledger_minutes_refresh")
    db.put.insert(table, [without | {"source_offset": 2, "kafka_offset": 2}])
    apply(db.put.client, migrations_folder(), db.name, WINDOW)
    # A sink of an earlier release may still be writing.
    db.put.insert(table, [without | {"source_offset": 3, "kafka_offset": 3}])
    db.put.ledger(ledger(4, received=1, accepted=1, client="firefox-153"))
    sums = "SELECT client_family, sum(lines) FROM ledger_minutes GROUP BY client_family ORDER BY 1"
    assert db.rows(sums) == [("", 3), ("firefox", 1)]
    refresh(db, "ledger_minutes_refresh")
    assert db.rows(sums) == [("", 3), ("firefox", 1)]
    assert db.rows("SELECT source_offset, client FROM ledger ORDER BY 1")[-2:] == [(3, ""), (4, "firefox-153")]


def test_rolled_up_rows_are_not_read_from_the_ledger_again(db: Database) -> None:
    db.put.ledger(*(ledger(n, received=1, accepted=1) for n in range(10)))
    refresh(db, "ledger_minutes_refresh")
    db.put.client.command(f"TRUNCATE TABLE {db.name}.ledger_raw")
    assert db.rows("SELECT sum(lines), sum(accepted) FROM ledger_minutes") == [(10, 10)]


def test_a_re_created_log_is_added_from_its_start(db: Database) -> None:
    db.put.ledger(*(ledger(n, received=1, accepted=1) for n in range(10)))
    refresh(db, "ledger_minutes_refresh")
    db.put.ledger(*(ledger(n, received=1, source_topic_id="source-2", kafka_topic_id="topic-2") for n in range(4)))
    assert db.rows("SELECT sum(lines) FROM ledger_minutes") == [(14,)]
    refresh(db, "ledger_minutes_refresh")
    assert db.rows("SELECT sum(lines) FROM ledger_minutes") == [(14,)]


def blocks_of_lines(db: Database, count: int) -> None:
    for block in range(count):
        db.put.ledger(*(ledger(block * 50 + n, block % 3, received=1, accepted=1) for n in range(50)))


def test_a_reader_sees_each_line_exactly_once_while_lines_arrive_and_are_rolled_up(
    engine: Engine, db: Database
) -> None:
    refreshing = engine.client("writer")
    roll_up = f"SYSTEM REFRESH VIEW {db.name}.ledger_minutes_refresh"
    looks = 0
    with meanwhile(lambda: blocks_of_lines(db, 150), lambda: refreshing.command(roll_up)) as done:
        while not done.is_set():
            ((least,),) = db.rows("SELECT count() FROM ledger")
            ((found,),) = db.rows("SELECT sum(lines) FROM ledger_minutes")
            ((most,),) = db.rows("SELECT count() FROM ledger")
            assert least <= found <= most
            looks += 1
    assert looks > 10
    refresh(db, "ledger_minutes_refresh")
    assert db.rows("SELECT sum(lines) FROM ledger_minutes") == [(150 * 50,)]
    assert db.rows("SELECT sum(lines) FROM ledger_minutes_raw") == [(150 * 50,)]


def test_a_rollup_continues_where_it_was_when_the_engine_was_killed(tmp_path: Path) -> None:
    with running_engine(tmp_path) as engine:
        db = migrated(engine, "killed")
        for block in range(4):
            for n in range(5):
                db.put.ledger(*(ledger((block * 5 + n) * 50 + k, n % 3, received=1, accepted=1) for k in range(50)))
                db.put.client.command(f"SYSTEM REFRESH VIEW {db.name}.ledger_minutes_refresh")  # and don't wait
            engine.kill()
            engine.start()
            db = migrated(engine, "killed")
            ((stored,),) = db.rows("SELECT count() FROM ledger")
            assert db.rows("SELECT sum(lines) FROM ledger_minutes") == [(stored,)]
        refresh(db, "ledger_minutes_refresh")
        assert db.rows("SELECT sum(lines) FROM ledger_minutes_raw") == [(stored,)]


def test_the_engine_refreshes_the_rollups_by_itself(db: Database) -> None:
    views = "SELECT view, exception FROM system.view_refreshes WHERE database = {name:String} ORDER BY view"
    found = db.put.client.query(views, parameters={"name": db.name}).result_rows
    assert [tuple(row) for row in found] == [("ledger_minutes_refresh", ""), ("users_refresh", "")]
