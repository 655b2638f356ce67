"""The KPIs on the real engine, each with a result calculated by hand, and the metrics derived from them."""

import time
from collections.abc import Iterator
from typing import Any

import pytest
from prometheus_client import generate_latest

from impression_streams.types import MAX_INTEGER
from streams.core.summary import MOST_REPORTED
from streams.metrics import catalogue as metrics
from streams.metrics import installation
from streams.settings import Settings
from streams.sink.kpi_exporter import KpiExporter
from tests.support.clickhouse import Engine, running_engine
from tests.support.database import Database, migrated, refresh
from tests.support.documented import ROOT, blocks
from tests.support.rows import accepted, artwork, ledger

HOUR, MINUTE = 3_600_000, 60_000
WINDOW_MS = Settings().window_ms
# Within the last hours at any time of day, and within one day.
NOW = int(time.time() * 1000)


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    with running_engine(tmp_path_factory.mktemp("kpis")) as engine:
        yield engine


@pytest.fixture(scope="module")
def db(engine: Engine) -> Database:
    """Twenty artworks in `main`, two in `tiny`, four users, and the ledger of what they did, half of it rolled up."""
    db = migrated(engine, "measured")
    put = db.put
    put.artworks(*(artwork(f"a{n}", n, offset=n, created_at=NOW) for n in range(20)))
    put.artworks(*(artwork(f"t{n}", 20 + n, offset=20 + n, pool_id="tiny", created_at=NOW) for n in range(2)))
    put.accepted(
        *(accepted("new", f"a{n}", NOW - MINUTE, n) for n in range(1)),
        *(accepted("half", f"a{n}", NOW - MINUTE, 10 + n) for n in range(11)),
        *(accepted("through", f"a{n}", NOW - MINUTE, 30 + n) for n in range(19)),
        *(accepted("away", f"t{n}", NOW - 48 * HOUR, 60 + n) for n in range(2)),
    )
    put.ledger(
        ledger(0, received=10, accepted=8, fresh=7, duplicates=2, attempts=2, failures=1, transport="fetch", **at(10)),
        ledger(1, received=5, forwarded=5, transport="fetch", **at(900)),
        ledger(2, received=4, accepted=2, fresh=2, duplicates=1, rejected=1, attempts=1, transport="fetch", **at(20)),
    )
    refresh(db)
    put.ledger(
        ledger(3, received=2, accepted=2, fresh=2, attempts=7, dropped=3, transport="beacon", tier="pro", **at(90))
    )
    return db


def at(latency_ms: int) -> dict[str, Any]:
    return {"appended_at": NOW - 1000, "processed_at": NOW - 1000 + latency_ms}


def test_delivery_by_transport_and_tier(db: Database) -> None:
    found = db.rows(
        "SELECT transport, tier, received, accepted, fresh, duplicates, rejected, attempts, failures, dropped,"
        " duplicate_rate, batch_success, hit_rate FROM kpi_delivery ORDER BY transport"
    )
    assert found == [
        ("beacon", "pro", 2, 2, 2, 0, 0, 7, 0, 3, 0.0, 1.0, 1.0),
        ("fetch", "free", 14, 10, 9, 3, 1, 3, 1, 0, 3 / 14, 1 - 1 / 3, 0.9),
    ]


def test_latency_leaves_out_forwarded_lines(db: Database) -> None:
    ((lines, p50, p95, p99),) = db.rows("SELECT lines, p50_ms, p95_ms, p99_ms FROM kpi_latency")
    assert lines == 4
    assert p50 == pytest.approx(20, rel=0.011)
    assert 19.8 <= p95 <= p99 <= 91


def test_freshness_covers_active_users_and_exhaustion_all_users(db: Database) -> None:
    found = db.rows("SELECT * FROM kpi_freshness ORDER BY pool_id")
    mean = (0.95 + 0.45 + 0.05) / 3
    assert found == [
        ("main", 20, 3, 3, pytest.approx(mean), pytest.approx(2 / 3), pytest.approx(1 / 3), 1, 1, pytest.approx(1 / 3)),
        ("tiny", 2, 1, 0, None, None, None, 1, 1, 1.0),
    ]


def test_cost_follows_the_price_table(db: Database) -> None:
    db.put.client.command(
        f"INSERT INTO {db.name}.prices_raw (item, usd, unit, valid_from, note) VALUES"
        " ('artwork', 0.5, 'artwork', toDate(now('UTC')), 'from today on'),"
        " ('artwork', 9, 'artwork', toDate(now('UTC')) + 1, 'from tomorrow on')"
    )
    found = db.rows(
        "SELECT impressions, artworks, artworks_usd, platform_usd > 0 AND platform_usd <= 850 / 28,"
        " usd_per_impression = (platform_usd + artworks_usd) / impressions FROM kpi_cost WHERE day = toDate(now('UTC'))"
    )
    assert found == [(12, 22, 11.0, True, True)]


def test_all_kpis_are_shown_with_their_targets(db: Database) -> None:
    found = {row[0]: row[1:] for row in db.rows("SELECT kpi, value, met FROM kpis")}
    assert found["duplicate rate"] == (0.0, True)
    assert found["lines out of balance"] == (0.0, True)
    assert found["batch success"] == (pytest.approx(0.9), False)
    assert found["P95 latency"][1]
    assert found["freshness"] == (pytest.approx((0.95 + 0.45 + 0.05) / 3), False)
    assert found["pool exhaustion"] == (0.5, False)
    assert found["freshness hit rate"] == (pytest.approx(11 / 12), False)
    assert not found["cost per impression"][1]
    assert len(found) == 8


def test_without_events_a_rate_is_unknown(engine: Engine) -> None:
    db = migrated(engine, "nothing")
    found = {row[0]: row[1:] for row in db.rows("SELECT kpi, value, met FROM kpis")}
    assert found.pop("lines out of balance") == (0.0, True)
    assert set(found.values()) == {(None, None)}
    assert db.rows("SELECT * FROM kpi_freshness") == []


def test_a_line_that_does_not_balance_is_counted(engine: Engine) -> None:
    db = migrated(engine, "unbalanced")
    db.put.ledger(
        ledger(0, received=3, accepted=2, appended_at=NOW), ledger(1, received=1, accepted=1, appended_at=NOW)
    )
    for _ in range(2):
        assert db.rows("SELECT value, met FROM kpis WHERE kpi = 'lines out of balance'") == [(1.0, False)]
        refresh(db)


def test_a_row_of_several_lines_counts_as_so_many(engine: Engine) -> None:
    db = migrated(engine, "alike")
    db.put.ledger(
        ledger(0, received=7, rejected=7, lines=7, transport="", tier="", **at(10)),
        ledger(1, received=9, rejected=7, lines=9, transport="", tier="", **at(10)),
    )
    for _ in range(2):
        assert db.rows("SELECT lines FROM kpi_latency") == [(16,)]
        assert db.rows("SELECT value FROM kpis WHERE kpi = 'lines out of balance'") == [(9.0,)]
        assert db.rows("SELECT received, rejected FROM kpi_delivery") == [(16, 14)]
        refresh(db)


def test_producers_that_report_the_largest_number_do_not_bend_the_kpis(engine: Engine) -> None:
    """2,100 of these lines are more than a UInt64 holds."""
    db = migrated(engine, "boasting")
    most = dict.fromkeys(("attempts", "failures", "queued", "dropped"), MAX_INTEGER)
    db.put.ledger(*(ledger(n, received=1, accepted=1, **most, **at(10)) for n in range(2_100)))
    db.put.ledger(*(ledger(n, received=1, accepted=1, attempts=1, **at(10)) for n in range(2_100, 2_200)))
    db.put.ledger(ledger(2_200, received=1, accepted=1, failures=MAX_INTEGER, **at(10)))
    all_told = 2_100 * MOST_REPORTED
    for _ in range(2):
        assert db.rows("SELECT attempts, failures, dropped, batch_success FROM kpi_delivery") == [
            (all_told + 100, all_told, all_told, pytest.approx(100 / (all_told + 100)))
        ]
        assert db.rows("SELECT value FROM kpis WHERE kpi = 'batch success'") == [(pytest.approx(0, abs=1e-6),)]
        refresh(db)
    assert db.rows("SELECT max(attempts), max(queued) FROM ledger") == [(MAX_INTEGER, MAX_INTEGER)]


def test_the_kpis_are_exported_as_metrics(engine: Engine, db: Database) -> None:
    settings = engine.settings(clickhouse_database=db.name)
    KpiExporter(settings).show()
    text = generate_latest(metrics.SINK).decode()
    shown = {
        line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in text.splitlines() if "_kpi_" in line[:17]
    }
    assert shown['impressions_kpi_freshness_ratio{pool="main"}'] == pytest.approx((0.95 + 0.45 + 0.05) / 3)
    assert 'impressions_kpi_freshness_ratio{pool="tiny"}' not in shown
    assert shown['impressions_kpi_exhausted_ratio{pool="tiny"}'] == 1
    assert shown['impressions_kpi_users_above{coverage="0.85",pool="main"}'] == 1
    spread = [shown[f'impressions_kpi_coverage_users{{coverage="{tenth / 10}",pool="main"}}'] for tenth in range(1, 11)]
    assert spread == [1, 1, 1, 1, 1, 2, 2, 2, 2, 3]
    assert (shown["impressions_kpi_duplicates_seen"], shown["impressions_kpi_unbalanced_lines"]) == (0, 0)
    assert time.time() - shown["impressions_kpi_computed_timestamp_seconds"] < 60


def test_a_pool_that_no_longer_exists_is_no_longer_exported(engine: Engine) -> None:
    db = migrated(engine, "leaving")
    db.put.artworks(artwork("a1", 1, offset=0), artwork("b1", 2, offset=1, pool_id="gone"))
    db.put.accepted(accepted("u1", "a1", NOW, 0), accepted("u1", "b1", NOW, 1))
    refresh(db)
    kpis = KpiExporter(engine.settings(clickhouse_database=db.name))
    kpis.show()
    assert installation.kpi_users.labels("gone")._value.get() == 1
    db.put.artworks(artwork("b1", 2, offset=2, pool_id="gone", retired=True))
    refresh(db)
    kpis.show()
    assert ("gone",) in installation.kpi_users._metrics
    db.put.artworks(artwork("b1", 2, offset=3, pool_id="main"))
    refresh(db)
    kpis.show()
    assert ("gone",) not in installation.kpi_users._metrics


def test_duplicates_are_exported_for_a_day_after_the_second_of_them_was_received(engine: Engine) -> None:
    """Readers see three pairs: two days old, one of two days ago whose second came today, and one of now."""
    db = migrated(engine, "twice")
    day = 24 * HOUR
    db.put.accepted(
        *(accepted("then", "a1", NOW - 2 * day + n, n) for n in range(2)),
        accepted("late", "a1", NOW - 2 * day, 10),
        accepted("late", "a1", NOW - 2 * day + WINDOW_MS - 1, 11, received_at=NOW - MINUTE),
        *(accepted("now", "a1", NOW - 20 * MINUTE + n * (WINDOW_MS - 1), 20 + n) for n in range(2)),
        # Exactly the window apart is not a duplicate; nor is another artwork.
        *(accepted("not", "a1", NOW - 20 * MINUTE + n * WINDOW_MS, 30 + n) for n in range(2)),
        accepted("not", "a2", NOW - 20 * MINUTE, 32),
        # A user who is still there, and of whom there was a duplicate long ago.
        *(accepted("back", "a1", NOW - 2 * day + n, 40 + n) for n in range(2)),
        accepted("back", "a1", NOW - MINUTE, 42),
    )
    refresh(db)
    ((everything,),) = db.rows("SELECT duplicates FROM kpi_duplicates_seen")
    assert everything == 4
    KpiExporter(engine.settings(clickhouse_database=db.name)).show()
    assert installation.kpi_duplicates._value.get() == 2


@pytest.mark.parametrize("statement", blocks((ROOT / "docs" / "reference" / "kpis.md").read_text(), "sql"))
def test_the_statements_on_the_kpi_page_work(engine: Engine, statement: str) -> None:
    db = migrated(engine, "documented")
    db.put.client.command(statement.replace("impressions.", f"{db.name}."))
