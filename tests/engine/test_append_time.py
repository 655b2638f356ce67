"""One moment has one name in every view on the real engine, and old names and `SELECT *` stay as they were."""

from collections.abc import Iterator

import pytest

from tests.support.clickhouse import running_engine
from tests.support.database import Database, migrated, refresh
from tests.support.rows import accepted, artwork, ledger, rejected

# What each view calls A, besides the name that all of them have.
OTHER_NAMES = {
    "impressions": "received_at",
    "user_artworks": "received_at",
    "artwork_users": "received_at",
    "rejected": "rejected_at",
    "artworks": "updated_at",
}


@pytest.fixture(scope="module")
def db(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    with running_engine(tmp_path_factory.mktemp("append_time")) as engine:
        db = migrated(engine, "one_name")
        db.put.artworks(artwork("a1", 1, offset=0))
        db.put.accepted(accepted("u1", "a1"))
        db.put.ledger(ledger(received=1, rejected=1))
        db.put.rejected(rejected())
        refresh(db, "users_refresh")
        yield db


def test_every_view_knows_the_append_time_as_appended_at(db: Database) -> None:
    for view, other in OTHER_NAMES.items():
        assert db.rows(f"SELECT appended_at = {other}, {other} > 0 FROM {view}") == [(True, True)], view
        assert db.rows(f"SELECT count() FROM {view} AS v WHERE v.appended_at > '2024-01-01'") == [(1,)], view
    assert db.rows("SELECT appended_at > 0 FROM ledger") == [(True,)]
    assert db.rows("SELECT last_appended_at = last_received_at FROM coverage_latest") == [(True,)]
    assert db.rows("SELECT last_appended_at FROM users") == db.rows("SELECT appended_at FROM impressions")


def test_no_view_has_a_time_of_the_broker_that_lacks_the_one_name(db: Database) -> None:
    columns = (
        "SELECT table, groupArray(name) FROM system.columns WHERE database = {db:String} AND type LIKE 'DateTime64%'"
        " AND comment LIKE '%clock: broker]' AND table NOT LIKE '%_raw' AND table NOT LIKE '%_refresh' GROUP BY table"
    )
    found = dict(db.rows(columns, db=db.name))
    assert set(found) >= {*OTHER_NAMES, "ledger", "coverage_latest", "users", "user_coverage"}
    # Its updated_at is of the contract, and is the append time of one of several impressions.
    lacking = [view for view, names in found.items() if not any(name.endswith("appended_at") for name in names)]
    assert lacking == ["user_coverage"]


def test_select_star_gives_what_it_gave_before(db: Database) -> None:
    for view, columns in {
        "impressions": "event_id user_id artwork_id pool_id impression_id flush_id session_id seen_at received_at fresh"
        " dwell_ms visible position surface transport reason tier experiments source_topic_id source_partition"
        " source_offset line idx",
        "user_artworks": "user_id artwork_id first_seen_at received_at",
        "artwork_users": "artwork_id user_id first_seen_at received_at",
        "rejected": "reason detail user_id payload source_topic_id source_partition source_offset line idx rejected_at"
        " lines",
        "artworks": "artwork_id pool_id ordinal created_at retired dna updated_at",
        "coverage_latest": "user_id pool_id seen pool_size coverage freshness impressions last_received_at computed_at",
    }.items():
        assert [row[0] for row in db.rows(f"DESCRIBE TABLE (SELECT * FROM {view})")] == columns.split()


def test_a_condition_on_the_new_name_reaches_the_table_as_one_on_the_old(db: Database) -> None:
    def pushed(name: str) -> list[str]:
        asked = f"SELECT count() FROM impressions WHERE user_id = 'u1' AND {name} > '2024-01-01'"
        plan = [str(line).strip() for (line,) in db.rows(f"EXPLAIN indexes = 1 {asked}")]
        return [line for line in plan if "Filter column:" in line or line.startswith(("Condition:", "Granules:"))]

    found = pushed("appended_at")
    assert found == pushed("received_at")
    assert any("received_at > " in line for line in found)
    assert "Condition: (user_id in ['u1', 'u1'])" in found
