"""The rollup of users on the real engine: what it says of coverage agrees with the rows that it is made from."""

import itertools
from collections.abc import Iterator
from random import Random
from typing import Any

import pytest

from streams.sink.records import Row
from tests.support.background import meanwhile
from tests.support.clickhouse import Engine, running_engine
from tests.support.database import Database, refresh
from tests.support.flushes import WINDOW
from tests.support.rows import T0, accepted, artwork

EXACT = "SELECT user_id, pool_id, seen, pool_size, coverage FROM user_coverage ORDER BY user_id, pool_id"
LATEST = "SELECT user_id, pool_id, seen, pool_size, coverage FROM coverage_latest ORDER BY user_id, pool_id"


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    with running_engine(tmp_path_factory.mktemp("users")) as engine:
        yield engine


def test_coverage_equals_user_coverage_after_a_refresh(db: Database) -> None:
    rng = Random(7)
    db.put.artworks(*(artwork(f"a{n}", n, offset=n, pool_id="main" if n % 3 else "extra") for n in range(30)))
    offsets = itertools.count()
    for _ in range(5):
        rows = [some_impression(rng, next(offsets)) for _ in range(60)]
        db.put.accepted(*rows)
        db.put.accepted(*rows[10:30])
        refresh(db, "users_refresh")
        assert db.rows(LATEST) == db.rows(EXACT)
        assert db.rows("SELECT sum(impressions) FROM users_raw FINAL") == db.rows("SELECT count() FROM impressions")


def some_impression(rng: Random, offset: int) -> Row:
    # Of 30 catalogued artworks and 5 that are not; a user stays in their partition.
    user, number = rng.randrange(12), rng.randrange(35)
    return accepted(f"u{user}", f"a{number}", T0 + offset * WINDOW, offset, partition=user % 3)


@pytest.mark.parametrize(
    "change",
    [
        {"artwork_id": "a1", "ordinal": 1, "retired": True},
        {"artwork_id": "a1", "ordinal": 1, "pool_id": "other"},
        {"artwork_id": "b1", "ordinal": 20},
        {"artwork_id": "never-seen", "ordinal": 21},
    ],
    ids=["retired", "moved", "learned late", "new"],
)
def test_coverage_follows_the_catalogue_for_inactive_users(db: Database, change: dict[str, Any]) -> None:
    db.put.artworks(*(artwork(f"a{n}", n, offset=n) for n in range(10)))
    db.put.accepted(*(accepted("u1", f"a{n}", T0, n) for n in range(4)), accepted("u1", "b1", T0, 4))
    db.put.accepted(accepted("u2", "a7", T0, 5))
    refresh(db, "users_refresh")
    db.put.artworks(artwork(**change, offset=10))
    refresh(db, "users_refresh")
    assert db.rows(LATEST) == db.rows(EXACT)


def test_coverage_follows_a_re_created_catalogue(db: Database) -> None:
    db.put.artworks(*(artwork(f"a{n}", n, offset=n) for n in range(4)))
    db.put.accepted(accepted("u1", "a1", T0, 0), accepted("u1", "a2", T0, 1))
    refresh(db, "users_refresh")
    db.put.artworks(artwork("a1", 0, offset=0, kafka_topic_id="catalogue-2", appended_at=T0 + 1000))
    refresh(db, "users_refresh")
    assert db.rows(LATEST) == db.rows(EXACT) == [("u1", "main", 1, 1, 1.0)]


def test_only_users_with_new_impressions_are_refreshed(db: Database) -> None:
    db.put.artworks(*(artwork(f"a{n}", n, offset=n) for n in range(10)))
    db.put.accepted(*(accepted(f"u{n}", "a1", T0, n) for n in range(5)))
    refresh(db, "users_refresh")
    db.put.accepted(accepted("u3", "a2", T0, 5))
    refresh(db, "users_refresh")
    refresh(db, "users_refresh")
    assert db.rows("SELECT user_id, count() AS times FROM users_raw GROUP BY user_id HAVING times > 1") == [("u3", 2)]


def test_impressions_less_than_the_window_after_another_are_counted(db: Database) -> None:
    db.put.artworks(artwork("a1", 1, offset=0), artwork("a2", 2, offset=1))
    times = [T0, T0 + WINDOW, T0 + 2 * WINDOW - 1, T0 + 2 * WINDOW]
    db.put.accepted(*(accepted("u1", "a1", at, n) for n, at in enumerate(times)))
    db.put.accepted(accepted("u1", "a2", T0, 4), accepted("u2", "a1", T0 + 1, 5), accepted("u2", "a2", T0, 6))
    refresh(db, "users_refresh")
    found = db.rows("SELECT user_id, impressions, closest_ms, doubled FROM users_raw FINAL ORDER BY user_id")
    assert found == [("u1", 5, 1, 2), ("u2", 2, None, 0)]
    assert db.rows("SELECT users, impressions, duplicates FROM kpi_duplicates_seen") == [(1, 7, 2)]


def test_a_user_with_impressions_arriving_during_a_refresh_is_refreshed_again(engine: Engine, db: Database) -> None:
    db.put.artworks(*(artwork(f"a{n}", n, offset=n) for n in range(100)))
    refreshing = engine.client("writer")

    def come() -> None:
        for n in range(100):
            db.put.accepted(*(accepted(f"u{user}", f"a{n}", T0 + n, 10 * n + user, user % 3) for user in range(10)))

    roll_up = f"SYSTEM REFRESH VIEW {db.name}.users_refresh"
    with meanwhile(come, lambda: refreshing.command(roll_up)):
        pass
    refresh(db, "users_refresh")
    assert db.rows(LATEST) == db.rows(EXACT)
    assert db.rows("SELECT user_id FROM coverage_latest WHERE impressions != 100 OR seen != 100") == []
