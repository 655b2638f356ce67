"""Users, cohorts and days of artworks on the real engine: each counts every accepted impression once."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any

import pytest

from streams.sink.records import Row
from tests.support.clickhouse import Engine, running_engine
from tests.support.database import Database
from tests.support.rows import T0, accepted, artwork

MINUTE, DAY = 60_000, 86_400_000
WEEK = 7 * DAY
EVERYTHING = {
    "users": "SELECT * FROM users ORDER BY user_id",
    "cohorts": "SELECT * FROM cohorts ORDER BY cohort, weeks_later",
    "daily_artworks": "SELECT * FROM daily_artworks ORDER BY day, artwork_id",
}


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    with running_engine(tmp_path_factory.mktemp("analysts")) as engine:
        yield engine


def at(ms: int) -> datetime:
    return datetime(1970, 1, 1) + timedelta(milliseconds=ms)


def day(ms: int) -> date:
    return at(ms).date()


def this_week() -> int:
    """Monday, 12:00 UTC, of the current week, in ms."""
    today = datetime.now(UTC).date()
    monday = today - timedelta(days=today.weekday())
    return int(datetime(monday.year, monday.month, monday.day, 12, tzinfo=UTC).timestamp() * 1000)


# Users


def test_a_users_row_by_hand(db: Database) -> None:
    db.put.artworks(
        *(artwork(f"a{n}", n, offset=n) for n in range(4)),
        artwork("a3", 3, offset=4, retired=True),
        *(artwork(f"b{n}", 10 + n, offset=5 + n, pool_id="other") for n in range(2)),
    )
    db.put.accepted(
        accepted("u1", "a0", T0, 0),
        accepted("u1", "a0", T0 + DAY, 1, fresh=False),
        accepted("u1", "a3", T0 + DAY + MINUTE, 2),
        # Looked at before the others, and arrived last; its pool is the catalogue's.
        accepted("u1", "b0", T0 - 2 * DAY, 3, received_at=T0 + 3 * DAY, pool_id="main"),
        accepted("u1", "unknown", T0 + MINUTE, 4),
        accepted("u2", "unknown", T0, 5),
    )
    main = ("main", 1, 3, 1 / 3)
    assert db.rows(EVERYTHING["users"]) == [
        (*("u1", at(T0 - 2 * DAY), at(T0 + DAY + MINUTE), at(T0 + 200), at(T0 + 3 * DAY)), 3, 5, 4, 1, 2, *main),
        (*("u2", at(T0), at(T0), at(T0 + 200), at(T0 + 200)), 1, 1, 1, 0, 0, "", 0, 0, 0.0),
    ]
    assert db.rows("SELECT seen, pool_size, coverage FROM user_coverage WHERE pool_id = 'main'") == [(1, 3, 1 / 3)]


def test_of_pools_with_as_many_impressions_the_first_by_name_is_on_top(db: Database) -> None:
    db.put.artworks(artwork("b0", 0, offset=0, pool_id="b"), artwork("a0", 1, offset=1, pool_id="a"))
    db.put.accepted(accepted("u1", "b0", T0, 0), accepted("u1", "a0", T0, 1))
    assert db.rows("SELECT top_pool, pools_seen FROM users") == [("a", 2)]
    db.put.accepted(accepted("u1", "b0", T0 + DAY, 2, fresh=False))
    assert db.rows("SELECT top_pool, top_pool_seen, top_pool_coverage FROM users") == [("b", 1, 1.0)]


def test_coverage_of_an_empty_pool_is_0(db: Database) -> None:
    db.put.artworks(artwork("a0", 0, offset=0, retired=True))
    db.put.accepted(accepted("u1", "a0"))
    assert db.rows("SELECT top_pool, top_pool_size, top_pool_coverage FROM users") == [("main", 0, 0.0)]


def put_many(db: Database) -> None:
    db.put.client.command(
        f"INSERT INTO {db.name}.impressions_raw (event_id, user_id, artwork_id, seen_at, received_at, fresh)"
        " SELECT toString(number), 'u' || toString(intDiv(number, 50)), 'a' || toString(number % 50), now64(3),"
        " now64(3), true FROM numbers(500_000)"
    )


def test_one_users_row_reads_few_of_many_granules(db: Database) -> None:
    db.put.artworks(*(artwork(f"a{n}", n, offset=n) for n in range(50)))
    put_many(db)
    query = "SELECT impressions, top_pool_seen FROM users WHERE user_id = 'u42'"
    assert db.rows(query) == [(50, 50)]
    plan = "\n".join(line for (line,) in db.rows(f"EXPLAIN indexes = 1 {query}"))
    ranges = [line.split("Granules:")[1].strip() for line in plan.splitlines() if "Granules:" in line and "/" in line]
    large = [tuple(map(int, text.split("/"))) for text in ranges if int(text.split("/")[1]) > 50]
    assert min(read for read, _ in large) <= 4, plan


# Cohorts


def test_retention_by_hand(db: Database) -> None:
    now = this_week()
    monday = day(now)
    db.put.accepted(
        # Three users came three weeks ago; one came back once, one twice.
        accepted("u1", "a0", now - 3 * WEEK, 0),
        accepted("u2", "a0", now - 3 * WEEK + DAY, 1),
        accepted("u3", "a0", now - 3 * WEEK + 6 * DAY, 2),
        accepted("u1", "a1", now - 2 * WEEK, 3),
        accepted("u1", "a0", now - 2 * WEEK + DAY, 4, fresh=False),
        accepted("u1", "a0", now - WEEK, 5, fresh=False),
        accepted("u2", "a1", now - WEEK + 6 * DAY, 6),
        # One came last week; one was offline, looked last week, and sent it this week.
        accepted("u4", "a0", now - WEEK, 7),
        accepted("u5", "a0", now - WEEK, 8, received_at=now),
    )
    old, last = monday - timedelta(weeks=3), monday - timedelta(weeks=1)
    assert db.rows(EVERYTHING["cohorts"]) == [
        (old, 0, 3, 3, 1.0, True),
        (old, 1, 3, 1, 1 / 3, True),
        (old, 2, 3, 2, 2 / 3, True),
        (old, 3, 3, 0, 0.0, False),
        (last, 0, 2, 2, 1.0, True),
        (last, 1, 2, 0, 0.0, False),
    ]


def test_a_clock_that_is_ahead_into_the_next_week_has_a_row(db: Database) -> None:
    now = this_week()
    db.put.accepted(accepted("u1", "a0", now, 0), accepted("u1", "a1", now + WEEK, 1), accepted("u2", "a1", now, 2))
    monday = day(now)
    assert db.rows(EVERYTHING["cohorts"]) == [(monday, 0, 2, 2, 1.0, False), (monday, 1, 2, 1, 0.5, False)]
    db.put.accepted(accepted("u3", "a0", now + WEEK, 3))
    assert db.rows("SELECT weeks_later, users, active FROM cohorts WHERE cohort > {day:Date}", day=monday) == [
        (0, 1, 1)
    ]


def test_a_clock_that_was_never_set_makes_a_cohort_of_1970(db: Database) -> None:
    db.put.accepted(accepted("u1", "a0", 5_000, 0, received_at=T0), accepted("u1", "a0", T0, 1, fresh=False))
    assert db.rows("SELECT cohort, countIf(active > 0), max(users) FROM cohorts GROUP BY cohort") == [
        (date(1970, 1, 1), 2, 1)
    ]


# Days


def test_days_of_artworks_by_hand(db: Database) -> None:
    db.put.artworks(artwork("a0", 0, offset=0), artwork("b0", 1, offset=1, pool_id="other"))
    midnight = T0 - T0 % DAY + DAY
    db.put.accepted(
        accepted("u1", "a0", midnight - 1, 0, dwell_ms=1_000),
        accepted("u1", "a0", midnight, 1, fresh=False, received_at=midnight + 5 * DAY),
        accepted("u1", "a0", midnight + MINUTE, 2, fresh=False, dwell_ms=2_000),
        accepted("u2", "a0", midnight + MINUTE, 3, dwell_ms=4_000),
        accepted("u2", "b0", midnight + MINUTE, 4, pool_id="main"),
        accepted("u2", "unknown", midnight + MINUTE, 5),
    )
    assert db.rows(EVERYTHING["daily_artworks"]) == [
        (day(midnight - 1), "a0", "main", 1, 1, 1, 0, 1_000.0),
        (day(midnight), "a0", "main", 3, 2, 1, 2, 3_000.0),
        (day(midnight), "b0", "other", 1, 1, 1, 0, None),
        (day(midnight), "unknown", "", 1, 1, 1, 0, None),
    ]


# All three


def some_impressions(rng: Random, count: int) -> list[Row]:
    """Impressions as a worker accepts them: the first of each user and artwork is fresh, in log order."""
    end, had, rows = this_week(), set[tuple[int, int]](), []
    for offset in range(count):
        user, number = rng.randrange(15), rng.randrange(12)
        seen_at = end - rng.randrange(5 * WEEK)
        more: dict[str, Any] = {"fresh": (user, number) not in had, "received_at": end - rng.randrange(WEEK)}
        had.add((user, number))
        rows.append(accepted(f"u{user}", f"a{number}", seen_at, offset, partition=user % 3, **more))
    return rows


def recounted(rows: list[Row]) -> dict[str, Any]:
    """What the views must show of these rows, counted without them."""
    users, weeks, days = defaultdict(list), defaultdict(set), defaultdict(list)
    for row in rows:
        users[row["user_id"]].append(row)
        seen = day(row["seen_at"])
        weeks[row["user_id"]].add(seen - timedelta(days=seen.weekday()))
        days[seen, row["artwork_id"]].append(row)
    active: dict[tuple[date, int], int] = defaultdict(int)
    for mine in weeks.values():
        for week in mine:
            active[min(mine), (week - min(mine)).days // 7] += 1
    fresh = {user: sum(row["fresh"] for row in mine) for user, mine in users.items()}
    return {
        "users": {user: (len(mine), fresh[user], len(mine) - fresh[user]) for user, mine in users.items()},
        "cohorts": dict(active),
        "days": {key: (len(mine), len({row["user_id"] for row in mine})) for key, mine in days.items()},
    }


def shown(db: Database) -> dict[str, Any]:
    return {
        "users": {row[0]: row[1:] for row in db.rows("SELECT user_id, impressions, fresh, repeats FROM users")},
        "cohorts": {row[:2]: row[2] for row in db.rows("SELECT cohort, weeks_later, active FROM cohorts WHERE active")},
        "days": {
            row[:2]: row[2:] for row in db.rows("SELECT day, artwork_id, impressions, viewers FROM daily_artworks")
        },
    }


@pytest.mark.parametrize("seed", range(3))
def test_blocks_that_are_there_twice_count_once(db: Database, seed: int) -> None:
    rng = Random(seed)
    db.put.artworks(*(artwork(f"a{n}", n, offset=n, pool_id="main" if n % 3 else "other") for n in range(10)))
    rows = some_impressions(rng, 300)
    for start in range(0, 300, 60):
        for partition in range(3):
            block = [row for row in rows[start : start + 60] if row["kafka_partition"] == partition]
            db.put.accepted(*block)
            if rng.random() < 0.7:
                db.put.accepted(*block[rng.randrange(len(block)) :])
        assert shown(db) == recounted(rows[: start + 60])
    ((stored,),) = db.rows("SELECT count() FROM impressions_raw")
    assert stored > 300
    before = {view: db.rows(query) for view, query in EVERYTHING.items()}
    db.put.client.command(f"OPTIMIZE TABLE {db.name}.impressions_raw FINAL")
    assert before == {view: db.rows(query) for view, query in EVERYTHING.items()}


def test_the_views_agree_with_one_another_and_with_those_that_were_there(db: Database) -> None:
    db.put.artworks(*(artwork(f"a{n}", n, offset=n, pool_id="main" if n % 3 else "other") for n in range(10)))
    rows = some_impressions(Random(9), 300)
    db.put.accepted(*rows)
    db.put.accepted(*rows[100:200])
    ((total,),) = db.rows("SELECT count() FROM impressions")
    assert total == 300
    for view in ("users", "daily_artworks"):
        assert db.rows(f"SELECT sum(v.impressions), sum(v.fresh + v.repeats) FROM {view} AS v") == [(total, total)]
        assert db.rows(f"SELECT sum(v.fresh) FROM {view} AS v") == db.rows("SELECT count() FROM user_artworks")
    assert db.rows("SELECT sum(v.users) FROM cohorts AS v WHERE weeks_later = 0") == db.rows(
        "SELECT count() FROM users"
    )
    coverage = "SELECT user_id, pool_id, seen, pool_size, coverage FROM user_coverage"
    top = "SELECT user_id, top_pool, top_pool_seen, top_pool_size, top_pool_coverage FROM users"
    assert set(db.rows(top)) <= set(db.rows(coverage))
    assert len(db.rows(top)) == 15
