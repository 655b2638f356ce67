"""What the FAQ says is so: its queries run, and its examples count as it tells."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.clickhouse import running_engine
from tests.support.database import Database, migrated, refresh
from tests.support.rows import accepted, artwork, ledger, rejected

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "reference" / "faq.md").read_text()
EQUAL, LATE = re.findall(r"^```sql\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
HOUR, DAY = 3_600_000, 86_400_000


@pytest.fixture(scope="module")
def db(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """A day: a repeat, a look that came four days late, a duplicate, a rejected and a forwarded line; rows twice."""
    with running_engine(tmp_path_factory.mktemp("faq")) as engine:
        db = migrated(engine, "impressions")
        now = int(db.rows("SELECT toUnixTimestamp64Milli(now64(3))")[0][0]) - HOUR
        db.put.artworks(artwork("a1", 1, offset=0), artwork("a2", 2, offset=1))
        rows = [
            accepted("u1", "a1", now, 0, received_at=now + 200),
            accepted("u1", "a1", now + HOUR // 2, 1, fresh=False),
            accepted("u1", "a2", now - 4 * DAY - HOUR, 2, received_at=now),
            accepted("u1", "a1", now - 2 * HOUR, 3, received_at=now, fresh=False),
        ]
        db.put.accepted(*rows)
        db.put.accepted(*rows[1:])
        lines = [
            *(ledger(n, received=1, accepted=1, fresh=int(n in (0, 2)), appended_at=now) for n in range(4)),
            ledger(4, received=1, duplicates=1, appended_at=now),
            ledger(5, received=1, rejected=1, appended_at=now),
            ledger(6, received=2, forwarded=2, appended_at=now),
        ]
        db.put.ledger(*lines)
        db.put.ledger(*lines[3:])
        db.put.rejected(rejected(5, rejected_at=now))
        yield db


def test_the_five_sums_are_equal_before_and_after_a_rollup(db: Database) -> None:
    assert db.rows(EQUAL) == [(4, 4, 4, 4, 4)]
    refresh(db)
    assert db.rows(EQUAL) == [(4, 4, 4, 4, 4)]


def test_the_query_for_what_comes_late_counts_days(db: Database) -> None:
    assert db.rows(LATE) == [(0, 3), (4, 1)]


def test_the_fresh_impression_need_not_be_the_earliest_seen(db: Database) -> None:
    found = db.rows(
        "SELECT min(looked.seen_at) < min(fresh.first_seen_at) FROM impressions AS looked"
        " INNER JOIN user_artworks AS fresh USING (user_id, artwork_id) WHERE artwork_id = 'a1'"
    )
    assert found == [(True,)]


def test_received_holds_what_is_sent_on_and_kpi_delivery_does_not(db: Database) -> None:
    assert db.rows("SELECT sum(received), sum(received) - sum(forwarded) FROM ledger") == [(8, 6)]
    assert db.rows("SELECT sum(k.received), sum(k.duplicates) FROM kpi_delivery AS k") == [(6, 1)]


def test_duplicates_that_were_dropped_are_none_that_readers_see(db: Database) -> None:
    refresh(db, "users_refresh")
    assert db.rows("SELECT duplicates FROM kpi_duplicates_seen") == [(0,)]


def test_a_retired_artwork_leaves_coverage_and_stays_in_the_history(db: Database) -> None:
    before = db.rows("SELECT impressions, fresh FROM users")
    db.put.artworks(artwork("a2", 2, offset=2, retired=True))
    assert db.rows("SELECT top_pool_seen, top_pool_size FROM users") == [(1, 1)]
    assert db.rows("SELECT impressions, fresh FROM users") == before


def test_the_clocks_of_the_table_are_those_of_the_columns(db: Database) -> None:
    said = dict(re.findall(r"^\| (`.+?) \| (?:the |)(\S.*?) \|", PAGE.split("## Which clock")[1], re.MULTILINE))
    named = {name: clock for cell, clock in said.items() for name in re.findall(r"`(\w+)`", cell)}
    words = {"user's device": "device", "Kafka's broker": "broker", "whoever wrote the catalogue": "author"}
    clocks = "SELECT DISTINCT extract(comment, 'clock: (.+)]') FROM system.columns WHERE database = {db:String}"
    for name, clock in named.items():
        found = db.rows(f"{clocks} AND name = {{name:String}}", db=db.name, name=name)
        assert found == [(words.get(clock, clock),)], name
    assert len(named) == 8


@pytest.mark.parametrize("word", ["duplicate", "repeat", "fresh", "late"])
def test_each_word_has_an_answer_of_its_own(word: str) -> None:
    assert re.search(rf"^## What is (a )?{word}\?$", PAGE, re.MULTILINE)
