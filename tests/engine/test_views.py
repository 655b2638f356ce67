"""The views on the real engine: exact at the first read after an insert, whatever was inserted twice (contract §5)."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from streams.sink.feeds import ARTWORK_RECORDS, IMPRESSIONS, LEDGER_ROWS, REJECTED_PIECES, USER_ARTWORKS, Table
from streams.sink.records import Row
from tests.support.clickhouse import Engine, running_engine
from tests.support.database import Database
from tests.support.rows import T0, accepted, artwork, ledger, rejected

HOUR = 3_600_000
# The contract lists these columns as "at least".
COLUMNS = {
    "impressions": "event_id, user_id, artwork_id, pool_id, impression_id, flush_id, session_id, seen_at, received_at, "
    "fresh, dwell_ms, visible, position, surface, transport, tier, experiments, source_topic_id, source_partition, "
    "source_offset, line, idx",
    "user_coverage": "user_id, pool_id, seen, pool_size, coverage, freshness, impressions_1h, updated_at",
    "ledger": "source_topic_id, source_partition, source_offset, line, flush_id, user_id, received, accepted, fresh, "
    "duplicates, rejected, forwarded, transport, reason, tier, experiments, client, attempts, failures, queued, "
    "dropped, bytes, sent_at, appended_at, processed_at, lines",
    "rejected": "reason, detail, user_id, payload, source_topic_id, source_partition, source_offset, line, idx, "
    "rejected_at, lines",
    "artworks": "artwork_id, pool_id, ordinal, created_at, retired, dna",
}
COVERAGE = "SELECT user_id, pool_id, seen, pool_size, coverage, freshness FROM user_coverage ORDER BY ALL"


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    with running_engine(tmp_path_factory.mktemp("views")) as engine:
        yield engine


def at(ms: int) -> datetime:
    return datetime(1970, 1, 1) + timedelta(milliseconds=ms)


def now_ms(db: Database) -> int:
    """The engine's clock, which the view uses."""
    return int(db.rows("SELECT toUnixTimestamp64Milli(now64(3))")[0][0])


@pytest.mark.parametrize("view", COLUMNS)
def test_the_contracts_columns_exist(db: Database, view: str) -> None:
    db.rows(f"SELECT {COLUMNS[view]} FROM {view}")


@pytest.mark.parametrize(
    ("view", "table", "make"),
    [
        ("impressions", IMPRESSIONS, lambda n: accepted(f"u{n}", "a1", offset=n)),
        ("user_artworks", USER_ARTWORKS, lambda n: accepted(f"u{n}", "a1", offset=n)),
        ("ledger", LEDGER_ROWS, lambda n: ledger(offset=n)),
        ("rejected", REJECTED_PIECES, lambda n: rejected(offset=n)),
        ("artworks", ARTWORK_RECORDS, lambda n: artwork(f"a{n}", n, offset=n)),
    ],
)
def test_rows_inserted_again_in_other_blocks_appear_once(
    db: Database, view: str, table: Table, make: Callable[[int], Row]
) -> None:
    rows = [make(n) for n in range(100)]
    for start, end in ((0, 100), (30, 70), (0, 50), (99, 100)):
        db.put.insert(table, rows[start:end])
    assert db.rows(f"SELECT count() FROM {table.name}")[0][0] > 100
    assert db.rows(f"SELECT count() FROM {view}") == [(100,)]


def test_a_token_inserts_once_per_table(db: Database) -> None:
    row = accepted("u1", "a1")
    for token in ("t:0:1-1", "t:0:1-1", "t:0:1-2"):
        db.put.insert(IMPRESSIONS, [row], token)
    db.put.insert(USER_ARTWORKS, [row], "t:0:1-1")
    assert db.rows("SELECT count() FROM impressions_raw") == [(2,)]
    assert db.rows("SELECT count() FROM user_artworks_raw") == [(1,)]


def test_a_large_block_is_one_part_and_its_token_covers_all_of_it(db: Database) -> None:
    rows = [accepted(f"u{n}", "a1", offset=n) for n in range(60_000)]
    for _ in range(2):
        db.put.insert(IMPRESSIONS, rows, "t:0:1-60000")
    parts = db.put.client.query(
        f"SELECT rows FROM system.parts WHERE database = '{db.name}' AND table = 'impressions_raw' AND active"
    ).result_rows
    assert parts == [(60_000,)]


def test_a_view_keeps_its_setting_whatever_the_reader_sets(db: Database) -> None:
    # One identity in two partitions, which the sink never writes, shows whether each partition is collapsed separately.
    for partition in (0, 1, 1):
        db.put.insert(IMPRESSIONS, [accepted("u1", "a1", partition=partition)])
    for value in (0, 1):
        query = f"SELECT count() FROM impressions SETTINGS do_not_merge_across_partitions_select_final = {value}"
        assert db.rows(query) == [(2,)]


def test_every_value_comes_back_unchanged(db: Database) -> None:
    given: Row = {
        "dwell_ms": 2**53 - 1,
        "visible": 0.1,
        "position": 0,
        "experiments": {"flush": "2s", "batch": "200"},
        "session_id": "s7",
        "surface": "gallery",
        "seen_at": 9_999_999_999_999,
        "received_at": 0,
        "fresh": False,
    }
    db.put.accepted(accepted("u1", "a1", **given), accepted("u2", "a1"))
    names = ", ".join(given)
    (row,) = db.rows(f"SELECT {names} FROM impressions WHERE user_id = 'u1'")
    expected: dict[str, Any] = given | {"seen_at": at(9_999_999_999_999), "received_at": at(0)}
    assert dict(zip(given, row, strict=True)) == expected
    assert db.rows("SELECT dwell_ms, visible, position FROM impressions WHERE user_id = 'u2'") == [(None, None, None)]


def test_a_rejected_payload_is_kept_to_the_byte(db: Database) -> None:
    payload = bytes(range(256))
    db.put.rejected(rejected(payload=payload))
    assert db.rows("SELECT hex(payload), length(payload) FROM rejected") == [(payload.hex().upper(), 256)]


def test_only_fresh_impressions_count_as_seen(db: Database) -> None:
    db.put.accepted(
        accepted("u1", "a1", T0, offset=1),
        accepted("u1", "a1", T0 + HOUR, offset=2, fresh=False),
        accepted("u2", "a1", T0, offset=3),
    )
    assert db.rows("SELECT count() FROM impressions") == [(3,)]
    assert db.rows("SELECT user_id, artwork_id, first_seen_at FROM user_artworks ORDER BY ALL") == [
        ("u1", "a1", at(T0)),
        ("u2", "a1", at(T0)),
    ]
    assert db.rows("SELECT artwork_id, user_id FROM artwork_users ORDER BY ALL") == [("a1", "u1"), ("a1", "u2")]


def test_an_artwork_is_its_latest_record_and_a_tombstone_retires_it_in_its_pool(db: Database) -> None:
    db.put.artworks(
        artwork("a1", 1, offset=0, dna=[0.1, -2]),
        artwork("a2", 2, offset=1),
        artwork("a1", 1, offset=2, pool_id="other", dna=[0.3], created_at=T0 + 5),
    )
    db.put.artworks(artwork("a1", 1, offset=3, pool_id="other", retired=True, tombstone=True, created_at=0))
    db.put.artworks(artwork("a2", 2, offset=4, retired=True), artwork("a2", 2, offset=5))
    assert db.rows("SELECT artwork_id, pool_id, ordinal, created_at, retired, dna FROM artworks ORDER BY ALL") == [
        ("a1", "other", 1, at(T0 + 5), True, [0.3]),
        ("a2", "main", 2, at(T0), False, []),
    ]


def test_a_re_created_topic_is_a_new_catalogue(db: Database) -> None:
    db.put.artworks(artwork("a1", 1, offset=8), artwork("a2", 2, offset=9))
    again = artwork("a1", 7, offset=0, pool_id="new", appended_at=T0 + HOUR, kafka_topic_id="topic-2")
    db.put.artworks(again)
    assert db.rows("SELECT artwork_id, pool_id, ordinal FROM artworks") == [("a1", "new", 7)]


def test_coverage_counts_active_artworks_in_their_latest_pool(db: Database) -> None:
    db.put.artworks(*(artwork(f"a{n}", n, offset=n) for n in range(4)), artwork("b0", 10, 10, pool_id="other"))
    db.put.accepted(
        accepted("u1", "a0", offset=0, pool_id="other"),  # named another pool than the catalogue
        accepted("u1", "a1", offset=1),
        accepted("u1", "a1", T0 + HOUR, offset=2, fresh=False),
        accepted("u1", "unknown", offset=3),
        accepted("u2", "b0", offset=4),
        accepted("u3", "unknown", offset=5),
    )
    assert db.rows(COVERAGE) == [("u1", "main", 2, 4, 0.5, 0.5), ("u2", "other", 1, 1, 1.0, 0.0)]


def test_coverage_follows_the_catalogue_at_once(db: Database) -> None:
    db.put.artworks(*(artwork(f"a{n}", n, offset=n) for n in range(4)))
    db.put.accepted(accepted("u1", "a0", offset=0), accepted("u1", "late", offset=1))
    assert db.rows(COVERAGE) == [("u1", "main", 1, 4, 0.25, 0.75)]
    db.put.artworks(artwork("late", 9, offset=4))  # added to the catalogue only afterwards
    assert db.rows(COVERAGE) == [("u1", "main", 2, 5, 0.4, 0.6)]
    db.put.artworks(artwork("a3", 3, offset=5, retired=True))
    assert db.rows(COVERAGE) == [("u1", "main", 2, 4, 0.5, 0.5)]
    db.put.artworks(artwork("a0", 0, offset=6, pool_id="other"))  # moves pools, with its viewers
    assert db.rows(COVERAGE) == [("u1", "main", 1, 3, 1 / 3, 1 - 1 / 3), ("u1", "other", 1, 1, 1.0, 0.0)]


def test_a_users_row_stays_when_artworks_retire_and_coverage_of_nothing_is_0(db: Database) -> None:
    db.put.artworks(artwork("a0", 0, offset=0), artwork("a1", 1, offset=1))
    db.put.accepted(accepted("u1", "a0"))
    db.put.artworks(artwork("a0", 0, offset=2, retired=True))
    assert db.rows(COVERAGE) == [("u1", "main", 0, 1, 0.0, 1.0)]
    db.put.artworks(artwork("a1", 1, offset=3, retired=True, tombstone=True))
    assert db.rows(COVERAGE) == [("u1", "main", 0, 0, 0.0, 1.0)]


def test_coverage_is_exact_while_rows_exist_twice(db: Database) -> None:
    now = now_ms(db)
    db.put.artworks(*(artwork(f"a{n}", n, offset=n) for n in range(10)))
    rows = [accepted("u1", f"a{n}", now - 60_000 + n, offset=n) for n in range(5)]
    db.put.accepted(*rows)
    db.put.accepted(*rows[2:])
    assert db.rows("SELECT seen, pool_size, impressions_1h, updated_at FROM user_coverage") == [
        (5, 10, 5, at(now - 60_000 + 4 + 200))
    ]


def test_impressions_1h_counts_the_pools_accepted_impressions_seen_in_the_last_hour(db: Database) -> None:
    now = now_ms(db)
    db.put.artworks(artwork("a0", 0, offset=0), artwork("b0", 1, offset=1, pool_id="other"))
    db.put.accepted(
        accepted("u1", "a0", now - 2 * HOUR, offset=0, received_at=now),
        accepted("u1", "a0", now - HOUR + 60_000, offset=1, fresh=False),
        accepted("u1", "a0", now - 1000, offset=2, fresh=False),
        accepted("u1", "a0", now + 200_000, offset=3, fresh=False),  # a clock is ahead: not in the last hour
        accepted("u1", "b0", now - 1000, offset=4),
        accepted("u1", "unknown", now - 1000, offset=5),
        accepted("u2", "b0", now - 2 * HOUR, offset=6),
    )
    assert db.rows("SELECT user_id, pool_id, impressions_1h FROM user_coverage ORDER BY ALL") == [
        ("u1", "main", 2),
        ("u1", "other", 1),
        ("u2", "other", 0),
    ]


def test_one_users_coverage_reads_few_of_many_granules(db: Database) -> None:
    db.put.artworks(*(artwork(f"a{n}", n, offset=n) for n in range(50)))
    for table, columns in (
        ("user_artworks_raw", "user_id, artwork_id, first_seen_at, received_at"),
        ("impressions_raw", "user_id, artwork_id, seen_at, received_at"),
    ):
        db.put.client.command(
            f"INSERT INTO {db.name}.{table} ({columns}, kafka_partition) "
            "SELECT 'u' || toString(intDiv(number, 50)), 'a' || toString(number % 50), now64(3), now64(3), 0 "
            "FROM numbers(500_000)"
        )
    query = "SELECT seen FROM user_coverage WHERE user_id = 'u42'"
    assert db.rows(query) == [(50,)]
    plan = "\n".join(line for (line,) in db.rows(f"EXPLAIN indexes = 1 {query}"))
    ranges = [line.split("Granules:")[1].strip() for line in plan.splitlines() if "Granules:" in line and "/" in line]
    large = [tuple(map(int, text.split("/"))) for text in ranges if int(text.split("/")[1]) > 50]
    # For both large tables: all granules before the primary key applies, then one or two per part.
    assert sorted(read for read, _ in large)[:2] <= [4, 4], plan
    everyone = db.rows("SELECT count(), min(seen), max(seen) FROM (SELECT * FROM user_coverage ORDER BY freshness)")
    assert everyone == [(10_000, 50, 50)]
    assert db.rows("SELECT count() FROM user_coverage WHERE pool_id = 'main'") == [(10_000,)]
    assert db.rows("SELECT count() FROM user_coverage WHERE pool_id = 'none'") == [(0,)]
