"""What the real engine lost, the sink finds missing and writes again, and nothing is counted twice."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from streams.kafka.names import ACCEPTED, LEDGER, REJECTED
from streams.sink.blocks import Block
from streams.sink.feeds import FEEDS
from streams.sink.position import Held
from streams.sink.writer import Writer
from tests.support.clickhouse import Engine, running_engine
from tests.support.database import Database, migrated, refresh
from tests.support.rows import accepted, ledger, rejected
from tests.support.sink import block, joined


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    with running_engine(tmp_path_factory.mktemp("lost")) as engine:
        yield engine


def insert(writer: Writer, made: Block) -> None:
    for part in made.parts:
        writer.insert(part, made.token)


def drop_newest_part(db: Database, table: str) -> None:
    """Drop the part that was inserted last, as a power cut or a restored backup may."""
    query = (
        "SELECT name FROM system.parts WHERE active AND database = {db:String} AND table = {table:String} "
        "ORDER BY max_block_number DESC LIMIT 1"
    )
    ((name,),) = db.put.client.query(query, parameters={"db": db.name, "table": table}).result_rows
    db.put.client.command(f"ALTER TABLE {db.name}.{table} DROP PART '{name}'")


def chunk(topic: str, number: int) -> bytes:
    """The value of the record with that offset: two rows, one of which is fresh."""
    if topic == ACCEPTED:
        rows = [accepted(f"u{number}", f"a{n}", event_id=f"e{number}-{n}", fresh=n == 0, idx=n) for n in range(2)]
    elif topic == LEDGER:
        rows = [ledger(number, 3, line=n, received=1, accepted=1) for n in range(2)]
    else:
        rows = [rejected(number, 3, payload="x", payload_encoding="utf-8")]
    return joined(rows)


@pytest.fixture
def apart(engine: Engine) -> Iterator[Database]:
    """A database in which parts stay as they were inserted."""
    db = migrated(engine, "apart")
    db.put.client.command("SYSTEM STOP MERGES")
    yield db
    db.put.client.command("SYSTEM START MERGES")
    db.put.client.command(f"DROP DATABASE {db.name}")


@pytest.mark.parametrize(
    ("topic", "table", "names"),
    [
        (ACCEPTED, "impressions_raw", "event_id, idx"),
        (ACCEPTED, "user_artworks_raw", "user_id, artwork_id"),
        (ACCEPTED, "artwork_users_raw", "user_id, artwork_id"),
        (LEDGER, "ledger_raw", "source_offset, line"),
        (REJECTED, "rejected_raw", "source_offset, idx"),
    ],
)
def test_what_a_table_lost_is_found_missing_and_comes_back_once(
    engine: Engine, apart: Database, topic: str, table: str, names: str
) -> None:
    writer = Writer(engine.settings(clickhouse_database=apart.name))
    feed = FEEDS[topic]
    fresh = 9 if topic == ACCEPTED else None

    def readable() -> list[tuple[Any, ...]]:
        view = table.removesuffix("_raw")
        return apart.rows(f"SELECT {names} FROM {view} ORDER BY ALL")

    def blocks(placing: str, first: int) -> list[Block]:
        values = [chunk(topic, number) for number in range(10)]
        cut = [range(first, 6), range(6, 10)]
        return [block(topic, "log", *[values[n] for n in each], first=each[0], placing=placing) for each in cut if each]

    for made in blocks("p1", 0):
        insert(writer, made)
    whole = readable()
    full = writer.held(feed, "log", [3, 4])
    assert full == {3: Held(9, fresh, [9, 9] if fresh else []), 4: Held(None, None, [None, None] if fresh else [])}
    assert full[3].next == 10
    drop_newest_part(apart, table)
    assert readable() == [row for row in whole if row in readable()] != whole
    held = writer.held(feed, "log", [3])[3]
    assert held.next == 6
    for made in blocks("p2", held.next):
        insert(writer, made)
        insert(writer, made)
    assert readable() == whole
    assert writer.held(feed, "log", [3])[3].next == 10
    writer.close()


def test_tokens_of_blocks_that_were_lost_are_remembered(engine: Engine, apart: Database) -> None:
    """So each placing has tokens of its own. (Unlike a loss, DROP PART makes ClickHouse forget the part's token.)"""
    writer = Writer(engine.settings(clickhouse_database=apart.name))
    first, last = (block(LEDGER, "log", chunk(LEDGER, n), first=n) for n in range(2))
    insert(writer, first)
    insert(writer, last)
    query = f"SELECT path FROM system.parts WHERE active AND database = '{apart.name}' AND table = 'ledger_raw'"
    paths = [Path(path) for (path,) in apart.put.client.query(f"{query} ORDER BY max_block_number").result_rows]
    engine.stop()
    shutil.rmtree(paths[-1])
    engine.start()

    def offsets() -> list[tuple[Any, ...]]:
        return apart.rows("SELECT DISTINCT source_offset FROM ledger ORDER BY ALL")

    assert offsets() == [(0,)]
    insert(writer, last)
    assert offsets() == [(0,)]
    insert(writer, block(LEDGER, "log", chunk(LEDGER, 1), first=1, placing="p2"))
    assert offsets() == [(0,), (1,)]
    writer.close()


def test_rows_that_are_read_again_are_not_counted_twice(engine: Engine, apart: Database) -> None:
    writer = Writer(engine.settings(clickhouse_database=apart.name))

    def counted() -> list[tuple[Any, ...]]:
        refresh(apart)
        lines = apart.rows("SELECT sum(lines), sum(received), sum(accepted) FROM ledger_minutes")
        return [*lines, *apart.rows("SELECT sum(impressions), sum(doubled) FROM users_raw FINAL")]

    def write(placing: str, first: int, last: int) -> None:
        for topic in (ACCEPTED, LEDGER):
            values = [chunk(topic, number) for number in range(first, last)]
            insert(writer, block(topic, "log", *values, first=first, placing=placing))

    write("p1", 0, 6)
    assert counted() == [(12, 12, 12), (12, 0)]
    write("p1", 6, 10)
    for table in ("ledger_raw", "impressions_raw"):
        drop_newest_part(apart, table)
    # Lost before a rollup had it, and after.
    write("p2", 6, 8)
    assert counted() == [(16, 16, 16), (16, 0)]
    for table in ("ledger_raw", "impressions_raw"):
        drop_newest_part(apart, table)
    write("p3", 6, 10)
    assert counted() == [(20, 20, 20), (20, 0)]
    writer.close()
