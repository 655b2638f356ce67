"""Rebuilding reads every fact of a user together, in pages, whatever has not been merged yet."""

from collections.abc import Iterator
from contextlib import nullcontext
from itertools import groupby

import pytest

from streams.clickhouse.ask import Asking
from streams.core.identity import event_id
from streams.errors import UserError
from streams.provision.installation import windows_proven
from streams.provision.look import look_at_tables
from streams.provision.same_window import require_same_window
from streams.rebuild import history
from streams.rebuild.history import Held, History
from streams.sink.feeds import USER_ARTWORKS
from streams.sink.writer import InsertError, Writer
from tests.support.clickhouse import Engine, running_engine
from tests.support.database import migrated
from tests.support.rows import T0, TOPIC_ID, accepted, ledger

# Their order is that of their bytes, in ClickHouse as in Python.
USERS = ["-", ".z", "0", "A", "Z:1", "_", "a", "a-", "a.b", "ab", "b" * 128]


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    with running_engine(tmp_path_factory.mktemp("history")) as engine:
        yield engine


def row(user: str, artwork: str, seen_at: int, offset: int, partition: int = 0) -> dict[str, object]:
    identity = event_id(user, artwork, seen_at, 600_000)
    return accepted(user, artwork, seen_at, offset, partition, event_id=identity)


@pytest.mark.parametrize("page", [1, 3, 50_000])
def test_every_user_is_read_once_with_everything(engine: Engine, page: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "PAGE", page)
    db = migrated(engine, f"pages_{page}")
    expected: dict[str, set[tuple[str, int | None]]] = {}
    for number, user in enumerate(USERS):
        # The same artwork in two windows, in parts and partitions of their own; the second block comes twice.
        first, again = row(user, "a1", T0, number), row(user, "a1", T0 + 700_000, 100 + number, partition=1)
        db.put.accepted(first)
        db.put.accepted(again)
        db.put.accepted(again | {"kafka_offset": 500 + number})
        # Only the set table has this one: impressions_raw has lost its row.
        db.put.insert(USER_ARTWORKS, [row(user, "lost", T0, 200 + number)])
        expected[user] = {("a1", T0), ("a1", T0 + 700_000), ("a1", None), ("lost", None)}
    with Asking(engine.settings(clickhouse_database=db.name)) as ask:
        facts = list(History(ask).seen())
    read = {user: {fact[1:] for fact in found} for user, found in groupby(facts, key=lambda fact: fact.user_id)}
    assert list(read) == sorted(USERS)
    assert read == expected


def test_what_was_decided_and_held_is_found_by_log(engine: Engine) -> None:
    db = migrated(engine, "decided")
    settings = engine.settings(clickhouse_database=db.name)
    db.put.ledger(*(ledger(offset, line=line, kafka_offset=offset + 1) for offset, line in ((3, 0), (3, 9), (1, 11))))
    db.put.ledger(ledger(8, 1, kafka_offset=8, appended_at=T0 + 5))
    db.put.ledger(ledger(70, source_topic_id="source-0", kafka_topic_id="older"))
    with Asking(settings) as ask:
        found = History(ask)
        assert found.decided() == {("source-1", 0): (3, 9), ("source-1", 1): (8, 0), ("source-0", 0): (70, 0)}
        assert found.newest_appends()["source-1", 1] == T0 + 5
        assert found.held("ledger_raw", TOPIC_ID) == {0: Held(2, 4), 1: Held(8, 8)}
        assert found.held("impressions_raw", TOPIC_ID) == {}


def test_the_sink_does_not_write_to_rows_of_another_window(engine: Engine) -> None:
    rows = [row("u1", f"a{n}", T0 + 7_000_000 * n, n) for n in range(9)]
    other = [each | {"event_id": event_id("u1", f"a{n}", T0 + 7_000_000 * n, 300_000)} for n, each in enumerate(rows)]
    strange = [each | {"event_id": f"e{n}"} for n, each in enumerate(rows)]
    client = engine.client("writer")
    for name, found, refused in (("same", rows, False), ("another", other, True), ("strange", strange, False)):
        migrated(engine, name).put.accepted(*found)
        settings = engine.settings(clickhouse_database=name)
        with pytest.raises(UserError, match="window of 300 s") if refused else nullcontext():
            require_same_window(client, settings)
    # A database without tables is not made yet: that is no other window.
    require_same_window(client, engine.settings(clickhouse_database="not_made_yet"))
    writer = Writer(engine.settings(clickhouse_database="another"))
    with pytest.raises(InsertError, match="window of 300 s"):
        writer.catalogue(TOPIC_ID)


def test_tables_are_looked_at_as_they_are(engine: Engine) -> None:
    with Asking(engine.settings(clickhouse_database="never_made")) as ask:
        tables = look_at_tables(ask)
        assert (tables.rows, tables.history, tables.sample) == ({}, 0, ())
        with pytest.raises(UserError, match="lacks what the database never_made should have"):
            ask.one("SELECT count() FROM {db:Identifier}.impressions_raw")
    db = migrated(engine, "looked_at")
    db.put.accepted(*(row("u1", f"a{n}", T0 + 7_000_000 * n, n) for n in range(9)))
    with Asking(engine.settings(clickhouse_database="looked_at")) as ask:
        tables = look_at_tables(ask)
    assert tables.rows == {"impressions_raw": 9, "ledger_raw": 0, "user_artworks_raw": 9}
    assert windows_proven(tables.sample) == [600]
