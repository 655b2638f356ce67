"""The analysts' queries on the real engine, each with a result calculated by hand."""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from streams.core.summary import MOST_REPORTED
from streams.paths import project_path
from tests.support.clickhouse import running_engine
from tests.support.database import Database, migrated
from tests.support.rows import T0, accepted, artwork, ledger, rejected

QUERIES = project_path("clickhouse/queries")
MINUTE = 60_000
DAY = 86_400_000
RANGE = {"since": "2024-11-24 07:00:00", "until": "2024-11-24 08:00:00"}


@pytest.fixture(scope="module")
def db(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    with running_engine(tmp_path_factory.mktemp("queries")) as engine:
        db = migrated(engine, "asked")
        fill(db)
        yield db


def fill(db: Database) -> None:
    """Ten artworks, three users, two of them active today; what they saw, and the ledger of it."""
    put = db.put
    put.artworks(*(artwork(f"a{n}", n, offset=n, created_at=T0 + n) for n in range(10)))
    put.artworks(artwork("a9", 9, offset=10, retired=True), artwork("b0", 20, offset=11, pool_id="other"))
    rows = [
        accepted("u1", "a0", T0, 0, surface="gallery", position=1, dwell_ms=900, transport="fetch"),
        accepted("u1", "a1", T0 + 1500, 1),
        accepted("u1", "a0", T0 + 2 * MINUTE, 2, fresh=False, surface="home"),
        accepted("u1", "a0", T0 + 3 * MINUTE, 3, fresh=False, surface="home"),
        *(accepted("u2", f"a{n}", T0 - DAY + n, 10 + n, received_at=T0 - DAY) for n in range(9)),
        accepted("u3", "b0", T0 + 4 * MINUTE, 4),
    ]
    put.accepted(*rows)
    put.accepted(*rows[3:9])  # again, as a killed sink would
    put.ledger(
        ledger(0, received=3, accepted=1, fresh=1, duplicates=1, rejected=1, transport="fetch", tier="pro", bytes=300)
        | {"attempts": 4, "failures": 1, "queued": 7, "dropped": 2, "appended_at": T0 + 200, "processed_at": T0 + 210},
        ledger(1, received=1, accepted=1, fresh=1, attempts=1, appended_at=T0 + 1700, processed_at=T0 + 1750),
        ledger(
            2, received=1, accepted=1, attempts=1, appended_at=T0 + 2 * MINUTE + 200, processed_at=T0 + 2 * MINUTE + 230
        ),
        ledger(
            3, received=1, accepted=1, attempts=1, appended_at=T0 + 3 * MINUTE + 200, processed_at=T0 + 3 * MINUTE + 240
        ),
        ledger(
            4, received=1, accepted=1, fresh=1, appended_at=T0 + 4 * MINUTE + 200, processed_at=T0 + 4 * MINUTE + 250
        ),
        ledger(5, received=5, forwarded=5, appended_at=T0 + 300, processed_at=T0 + 301),
        ledger(
            6, received=1, rejected=1, transport="", reason="", tier="", appended_at=T0 + 400, processed_at=T0 + 500
        ),
    )
    put.rejected(
        rejected(0, idx=2, reason="future", rejected_at=T0 + 200), rejected(6, reason="malformed", rejected_at=T0 + 400)
    )


def at(ms: int) -> datetime:
    return datetime(1970, 1, 1) + timedelta(milliseconds=ms)


def ask(db: Database, name: str, **parameters: Any) -> list[tuple[Any, ...]]:
    (path,) = QUERIES.glob(f"??_{name}.sql")
    return db.rows(path.read_text(), **parameters)


def test_there_are_eleven_queries_and_each_begins_with_its_question_and_parameters() -> None:
    paths = sorted(QUERIES.glob("*.sql"))
    assert [path.name[:2] for path in paths] == [f"{n:02}" for n in range(1, 12)]
    for path in paths:
        text = path.read_text()
        comment = "\n".join(line for line in text.splitlines() if line.startswith("--"))
        assert re.match(r"-- .*\?", text)
        for parameter in re.findall(r"\{(\w+):", text):
            assert re.search(rf"\b{parameter}\b", comment), f"{path.name} doesn't explain {parameter}"


def test_user_timeline(db: Database) -> None:
    rows = ask(db, "user_timeline", user_id="u1", before="2100-01-01 00:00:00", rows=3)
    assert [(row[0], row[1], row[6], row[8]) for row in rows] == [
        (at(T0 + 3 * MINUTE), "a0", False, 60.0),
        (at(T0 + 2 * MINUTE), "a0", False, 118.5),
        (at(T0 + 1500), "a1", True, None),
    ]
    older = ask(db, "user_timeline", user_id="u1", before=at(T0 + 1500), rows=3)
    assert older == [(at(T0), "a0", "main", "gallery", 1, 900, True, "fetch", None)]


def test_artwork_viewers(db: Database) -> None:
    assert ask(db, "artwork_viewers", artwork_id="a0") == [("u1", at(T0)), ("u2", at(T0 - DAY))]


def test_unseen_artworks(db: Database) -> None:
    rows = ask(db, "unseen_artworks", user_id="u1", pool_id="main", rows=3)
    assert rows == [("a8", 8, at(T0 + 8)), ("a7", 7, at(T0 + 7)), ("a6", 6, at(T0 + 6))]
    assert len(ask(db, "unseen_artworks", user_id="u1", pool_id="main", rows=100)) == 7
    assert ask(db, "unseen_artworks", user_id="u2", pool_id="main", rows=100) == []
    assert len(ask(db, "unseen_artworks", user_id="nobody", pool_id="main", rows=100)) == 9


def test_coverage_distribution(db: Database) -> None:
    assert ask(db, "coverage_distribution") == [
        ("other", 1, 1, 0.0, 1.0, 1.0, 1.0, 1.0, 1.0),
        ("main", 9, 2, pytest.approx(7 / 18), 1.0, 1.0, 0.5, 0.5, 0.5),
    ]


def test_near_exhaustion(db: Database) -> None:
    now = int(db.rows("SELECT toUnixTimestamp64Milli(now64(3))")[0][0])
    db.put.artworks(*(artwork(f"c{n}", 100 + n, 100 + n, pool_id="busy") for n in range(10)))
    db.put.accepted(
        *(accepted("v1", f"c{n}", now - 1000, 100 + n) for n in range(8)),
        *(accepted("v2", f"c{n}", now - DAY, 110 + n) for n in range(9)),
        *(accepted("v3", f"c{n}", now - 1000, 120 + n) for n in range(2)),
    )
    assert ask(db, "near_exhaustion", pool_id="busy", coverage=0.8, rows=10) == [
        ("v1", 0.8, 2, 8, 0.25),
        ("v2", 0.9, 1, 0, None),
    ]


def test_outcomes_over_time(db: Database) -> None:
    rows = ask(db, "outcomes_over_time", **RANGE, seconds=60)
    assert rows[0][1:] == (5, 2, 1, 2, 0.2, {"future": 1, "malformed": 1})
    assert [row[1:4] for row in rows[1:]] == [(1, 1, 0)] * 3
    assert rows[1][6] == {}
    (hour,) = ask(db, "outcomes_over_time", **RANGE, seconds=3600)
    assert hour[1:] == (8, 5, 1, 2, 0.125, {"future": 1, "malformed": 1})


def test_broken_promises(db: Database) -> None:
    assert ask(db, "broken_promises", **RANGE, rows=10) == [("u1", "a0", 2, ["home"], 120)]
    assert ask(db, "broken_promises", since="2024-11-24 07:10:00", until="2024-11-24 08:00:00", rows=10) == []


def test_delivery_health(db: Database) -> None:
    assert ask(db, "delivery_health", **RANGE) == [
        ("fetch", "pro", 1, 3, 4, 1, 0.25, 7, 2, 300.0),
        ("sdk", "free", 4, 4, 3, 0, 0.0, 0, 0, 100.0),
    ]


def test_processing_latency(db: Database) -> None:
    rows = ask(db, "processing_latency", **RANGE)
    assert rows[0] == (at(T0), 4, 50, 100, 100, 100)
    assert [row[1:3] for row in rows[1:]] == [(1, 30), (1, 40), (1, 50)]


def test_delivery_by_client(db: Database) -> None:
    hour = {"since": "2024-11-24 14:00:00", "until": "2024-11-24 15:00:00"}
    when = T0 + 430 * MINUTE
    db.put.ledger(
        ledger(70, received=4, duplicates=1, attempts=3, failures=1, dropped=2, client="firefox-153", appended_at=when),
        ledger(71, received=4, accepted=4, attempts=1, client="firefox-153", appended_at=when),
        ledger(72, received=1, rejected=1, client="safari-26", appended_at=when),
        ledger(73, received=1, accepted=1, client="", appended_at=when),
        ledger(74, received=9, forwarded=9, client="firefox-153", appended_at=when),
        ledger(75, received=1, rejected=1, client="", transport="", appended_at=when),
    )
    rows = ask(db, "delivery_by_client", **hour, rows=10)
    assert rows == [
        ("firefox-153", 2, 8, 0, 1 / 8, 4, 1, 0.25, 2),
        ("", 1, 1, 0, 0.0, 0, 0, None, 0),
        ("safari-26", 1, 1, 1, 0.0, 0, 0, None, 0),
    ]
    assert ask(db, "delivery_by_client", **hour, rows=1) == rows[:1]


def test_ledger_balance_returns_nothing_until_something_is_missing(db: Database) -> None:
    assert ask(db, "ledger_balance", **RANGE) == []
    later = {"since": "2024-11-24 09:00:00", "until": "2024-11-24 10:00:00"}
    when = T0 + 150 * MINUTE
    db.put.ledger(
        ledger(50, received=2, accepted=1, appended_at=when),  # does not add up
        ledger(51, received=1, accepted=1, appended_at=when),  # has no impression
        ledger(52, received=1, duplicates=1, appended_at=when),
    )
    db.put.accepted(
        accepted("u9", "a1", when, 50, received_at=when, fresh=False),
        accepted("u9", "a2", when, 53, received_at=when),  # has no ledger row
    )
    db.put.rejected(rejected(52, rejected_at=when))  # was not rejected
    assert [row[2] for row in ask(db, "ledger_balance", **later)] == [50, 51, 52, 53]


def test_rows_of_several_lines_and_reports_beyond_belief(db: Database) -> None:
    when, most = T0 + 300 * MINUTE, 2**53 - 1
    hour = {"since": "2024-11-24 12:00:00", "until": "2024-11-24 13:00:00"}
    alike: dict[str, Any] = {"lines": 7, "received": 7, "rejected": 7, "processed_at": when + 20}
    unknown: dict[str, Any] = {"transport": "", "tier": ""}
    told = dict.fromkeys(("attempts", "failures", "queued", "dropped"), most)
    db.put.ledger(
        ledger(60, appended_at=when, **alike, **unknown),
        ledger(61, received=1, duplicates=1, appended_at=when, processed_at=when + 10, **told),
        ledger(62, received=1, duplicates=1, appended_at=when, processed_at=when + 10, failures=9),
    )
    db.put.rejected(rejected(60, rejected_at=when, lines=7))
    assert ask(db, "ledger_balance", **hour) == []
    (outcomes,) = ask(db, "outcomes_over_time", **hour, seconds=3600)
    assert outcomes[1:] == (9, 0, 2, 7, 2 / 9, {"malformed": 7})
    assert [row[1] for row in ask(db, "processing_latency", **hour)] == [9]
    capped = MOST_REPORTED
    assert ask(db, "delivery_health", **hour) == [("sdk", "free", 2, 2, capped, capped, 1.0, capped, capped, 100.0)]
    db.put.rejected(rejected(60, rejected_at=when, lines=6))
    assert [row[2] for row in ask(db, "ledger_balance", **hour)] == [60]
