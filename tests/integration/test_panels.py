"""Every panel's SQL on the data that the demo leaves in the real engine, expanded as the plugin does it."""

import itertools
import sys
from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest
from rich.console import Console

from dashboards.expand import expand
from demo import stack
from demo.run import Options, run
from streams.clickhouse.client import connect
from streams.clickhouse.migrate import apply
from streams.paths import migrations_folder
from tests.support.dashboards import DASHBOARDS, PROMQL, QUERIES, SQL, Query, as_opened, panels
from tests.support.database import Database, refresh
from tests.support.flushes import WINDOW
from tests.support.played import DAY, MINUTE, Played, queried
from tests.support.rows import Filler, ledger, rejected
from tests.support.stack import stack_settings

pytestmark = pytest.mark.integration

# The longest that the demo takes on a busy machine (s).
DEMO_SECONDS = 280
# Intervals below a minute query the ledger itself, longer ones the rollup: both must give the same result.
INTERVALS = (1, 60)
# Queries that return nothing after a healthy run; tests below cover each of them with faulty rows.
EMPTY_IS_RIGHT = {("impressions-delivery", "Lines out of balance")}
PROOF = "panels_proof"
# Times by the broker's clock, for the rows that a test inserts.
T0 = 1_732_431_600_000


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    """The demo, played to its end, with up-to-date rollups and its stack still running."""
    settings = stack_settings(tmp_path_factory.mktemp("panels"))
    demo = stack.demo_settings(settings, lambda _: None)
    try:
        assert run(Options(keep=True), settings, demo, Console(file=StringIO())).problems == []
        writer, reader = connect(demo), connect(demo, "reader")
        writer.database = reader.database = demo.clickhouse_database
        refresh(Database(demo.clickhouse_database, Filler(writer, demo.clickhouse_database), reader))
        (bounds,) = reader.query(
            "SELECT toUnixTimestamp64Milli(min(appended_at)), toUnixTimestamp64Milli(max(appended_at)) FROM ledger"
        ).result_rows
        yield Played(demo, reader, writer, bounds[0] - 2 * MINUTE, bounds[1] + 2 * MINUTE)
    finally:
        stack.stop(demo, lambda _: None)


def of(uid: str, title: str) -> Query:
    """The only query of a panel."""
    (query,) = [query for query in SQL if query.name == (f"impressions-{uid}", title)]
    return query


def columns(played: Played, sql: str) -> list[tuple[str, str]]:
    """Names and types of a query's columns, with the types unwrapped."""
    described = [(row[0], row[1]) for row in played.rows(f"DESCRIBE ({sql})")]
    return [
        (name, kind.removeprefix("LowCardinality(").removeprefix("Nullable(").rstrip(")")) for name, kind in described
    ]


def is_number(kind: str) -> bool:
    return kind.startswith(("UInt", "Int", "Float"))


@pytest.mark.timeout(DEMO_SECONDS + 20)
@pytest.mark.parametrize("query", SQL, ids=str)
def test_each_panel_gets_the_data_that_it_shows(query: Query, played: Played) -> None:
    for seconds in INTERVALS:
        sql = played.expanded(query, seconds)
        assert "$" not in sql
        named = columns(played, sql)
        rows = played.rows(sql)
        if query.target["format"] == 0:
            is_a_time_series(named, rows)
        elif query.panel["type"] in ("bargauge", "barchart"):
            assert [kind.startswith("String") for _, kind in named] == [True, *[False] * (len(named) - 1)]
            assert all(is_number(kind) for _, kind in named[1:])
        elif query.panel["type"] == "stat":
            assert len(rows) == 1
            assert None not in rows[0]
        if query.name in EMPTY_IS_RIGHT:
            assert rows == []
        else:
            assert any(cell not in (None, "") for row in rows for cell in row)


def is_a_time_series(named: list[tuple[str, str]], rows: list[tuple[Any, ...]]) -> None:
    """Time comes first and in order, then at most one string, then numbers, not all of them null."""
    (first, kind), *rest = named
    assert first == "time"
    assert kind.startswith("DateTime")
    if rest[0][1].startswith("String"):
        assert [name for name, _ in rest[1:]] == ["Value"]
        rest = rest[1:]
    assert all(is_number(kind) for _, kind in rest)
    times = [row[0] for row in rows]
    assert times == sorted(times)
    numbers = [cell for row in rows for cell in row[1:] if isinstance(cell, int | float)]
    assert any(numbers)


@pytest.mark.parametrize("query", SQL, ids=str)
def test_overrides_name_columns_that_exist(query: Query, played: Played) -> None:
    if query.panel["type"] not in ("table", "stat"):
        return
    names = {name for name, _ in columns(played, played.expanded(query))}
    matchers = [override["matcher"] for override in query.panel["fieldConfig"]["overrides"]]
    overridden = {matcher["options"] for matcher in matchers if matcher["id"] == "byName"}
    assert overridden <= names


@pytest.mark.parametrize(("uid", "name"), [(uid, name) for uid in DASHBOARDS for name in queried(uid)])
def test_each_variable_offers_values(uid: str, name: str, played: Played) -> None:
    offered = played.options(uid, name)
    assert len(offered) > 1
    assert "" not in offered
    assert len(set(offered)) == len(offered)


def test_the_kpis_match_the_view(played: Played) -> None:
    titles = {
        "Duplicates seen": "duplicate rate",
        "Batch success": "batch success",
        "P95 latency": "P95 latency",
        "Freshness": "freshness",
        "Pool exhaustion": "pool exhaustion",
        "Freshness hit rate": "freshness hit rate",
        "Impression cost": "cost per impression",
        "Unbalanced lines": "lines out of balance",
    }
    view = dict(played.rows("SELECT kpi, value FROM kpis"))
    assert set(titles.values()) == view.keys()
    for title, kpi in titles.items():
        (row,) = played.ask(of("overview", title))
        # Today's platform cost grows while this query runs.
        assert next(iter(row.values())) == pytest.approx(view[kpi], rel=0.01 if kpi == "cost per impression" else 1e-9)


@pytest.mark.parametrize("seconds", INTERVALS)
def test_outcomes_over_time_add_up_to_the_balance(seconds: int, played: Played) -> None:
    (balance,) = played.ask(of("delivery", "Balance of the range shown"))
    over_time = played.ask(of("delivery", "What became of what arrived"), seconds)
    sums = {name: sum(row[name] for row in over_time) for name in over_time[0] if name != "time"}
    assert sums["fresh"] + sums["repeat"] == balance["accepted"]
    assert {name: sums[name] for name in ("duplicates", "rejected", "forwarded")}.items() <= balance.items()
    assert sum(sums.values()) == balance["received"]
    assert balance["unaccounted for"] == balance["lines out of balance"] == 0


def test_tiers_and_transports_partition_the_balance(played: Played) -> None:
    query = of("delivery", "Balance of the range shown")
    (whole,) = played.ask(query)
    (unknown,) = played.rows("SELECT sum(received) FROM ledger_minutes WHERE tier = ''")
    for name in ("tier", "transport"):
        offered = played.options(query.uid, name)
        parts = [played.ask(query, chosen={name: (each,)})[0]["received"] for each in offered]
        assert all(parts)
        assert sum(parts) + unknown[0] == whole["received"]
        assert played.ask(query, chosen={name: tuple(offered[:2])})[0]["received"] == sum(parts[:2])


def test_a_pool_can_be_chosen(played: Played) -> None:
    query = of("coverage", "Pools")
    assert [row["pool"] for row in played.ask(query, chosen={"pool": ("extra",)})] == ["extra"]
    assert {row["pool"] for row in played.ask(query)} == {"main", "extra"}


def test_users_by_coverage_include_every_user(played: Played) -> None:
    rows = played.ask(of("coverage", "Users, by coverage"))
    assert len(rows) == 10
    ((everyone,),) = played.rows("SELECT count() FROM coverage_latest")
    assert sum(row["active"] + row["away"] for row in rows) == everyone


def piece_of(rows: list[dict[str, Any]]) -> dict[str, str]:
    """The fields of a piece; its payload comes in several lines."""
    fields = {row["field"]: row["value"] for row in rows if row["field"]}
    payload = itertools.dropwhile(lambda row: row["field"] != "payload", rows)
    return fields | {"payload": "".join(row["value"] for row in payload)}


def test_a_rejected_piece_leads_to_its_payload(played: Played) -> None:
    pieces = played.ask(of("delivery", "Latest rejected pieces"))
    payload = of("delivery", "Payload of a piece")
    for piece in (pieces[0], pieces[-1]):
        shown = piece_of(played.ask(payload, chosen={"piece": piece["piece"]}))
        assert (shown["piece"], shown["reason"], shown["user"]) == (piece["piece"], piece["reason"], piece["user"])
        assert shown["payload"].startswith(piece["begins"])
        assert len(shown["payload"].encode()) == piece["length"]
    assert piece_of(played.ask(payload))["piece"] == pieces[0]["piece"]
    assert played.ask(payload, chosen={"piece": "it's none"}) == []


@pytest.mark.parametrize("typed", [False, True])
def test_a_user_can_be_chosen(typed: bool, played: Played) -> None:
    """The user that is typed in, here the one with the fewest impressions; by default the one with the most."""
    order = "ASC" if typed else "DESC"
    ((user, impressions),) = played.rows(
        f"SELECT user_id, count() AS n FROM impressions GROUP BY user_id ORDER BY n {order}, user_id LIMIT 1"
    )
    chosen = {"user": user if typed else ""}
    assert played.ask(of("user", "User"), chosen=chosen) == [{"user": user}]
    over_time = played.ask(of("user", "Impressions over time"), chosen=chosen)
    assert sum(row["fresh"] + row["repeat"] for row in over_time) == impressions
    assert played.ask(of("user", "Impressions"), chosen=chosen) == [{"impressions": impressions}]


def test_typed_text_is_never_run_as_sql(played: Played) -> None:
    for title in ("Impressions, one by one", "Flushes", "Coverage, by pool"):
        assert played.ask(of("user", title), chosen={"user": "o'nobody' OR 1=1 --"}) == []


@pytest.fixture
def proof(played: Played) -> Database:
    """A database beside the demo's, for rows that a healthy run never leaves."""
    apply(played.writer, migrations_folder(), PROOF, WINDOW)
    reader = connect(played.settings, "reader")
    reader.database = PROOF
    return Database(PROOF, Filler(played.writer, PROOF), reader)


def ask_of_proof(proof: Database, query: Query) -> list[dict[str, Any]]:
    values = as_opened(query.uid)
    sql = expand(query.target["rawSql"], start=T0, stop=T0 + 10 * MINUTE, interval_seconds=60, variables=values)
    return list(proof.reader.query(sql).named_results())


def at(offset: int, **more: Any) -> dict[str, Any]:
    """A ledger row of one minute."""
    return ledger(offset, **{"appended_at": T0 + MINUTE + offset, "processed_at": T0 + MINUTE + offset + 5, **more})


def test_duplicates_and_lines_out_of_balance_are_shown(proof: Database) -> None:
    proof.put.ledger(
        at(0, flush_id="f", received=3, accepted=3),
        at(1, flush_id="f", received=3, duplicates=3),
        at(2, flush_id="g", received=2, duplicates=2),
        at(3, flush_id="h", received=6, accepted=5, duplicates=1),
        # It arrived first in the wrong partition, where nothing is judged.
        at(4, flush_id="i", received=4, forwarded=4),
        at(5, flush_id="i", received=4, duplicates=4),
        # Another user may have generated the same id.
        at(6, flush_id="f", user_id="u2", received=7, duplicates=7),
        at(7, flush_id="j", user_id="u3", received=5, accepted=3),
    )
    proof.put.ledger(at(8, flush_id="k", appended_at=T0 - DAY - MINUTE, received=1, accepted=1))
    (causes,) = ask_of_proof(proof, of("delivery", "Duplicates, by cause"))
    assert (causes["flush sent again"], causes["whole flush shown before"], causes["part of a flush"]) == (3, 13, 1)
    (line,) = ask_of_proof(proof, of("delivery", "Lines out of balance"))
    assert (line["offset"], line["user"], line["received"], line["accepted"]) == (7, "u3", 5, 3)
    (balance,) = ask_of_proof(proof, of("delivery", "Balance of the range shown"))
    assert (balance["unaccounted for"], balance["lines out of balance"]) == (2, 1)


def test_a_payload_that_is_not_text_is_shown(proof: Database) -> None:
    bytes_of_it = b"\xff" + "é\n".encode() * 100
    proof.put.rejected(rejected(0, rejected_at=T0 + MINUTE, payload=bytes_of_it, source_topic_id="a/b"))
    shown = piece_of(ask_of_proof(proof, of("delivery", "Payload of a piece")))
    assert shown["piece"] == "a/b/0/0/0/-1"
    assert shown["payload"] == "\N{REPLACEMENT CHARACTER}" + "é\n" * 100


def test_every_panel_has_queries_and_the_counts_are_printed(capsys: pytest.CaptureFixture[str]) -> None:
    shown = sum(len(panels(dashboard)) for dashboard in DASHBOARDS.values())
    asked = {query.name for query in QUERIES}
    assert len(asked) == shown
    with capsys.disabled():
        sys.stdout.write(
            f"\n{len(DASHBOARDS)} dashboards, {shown} panels, {len(SQL)} SQL queries run at intervals of "
            f"{' and '.join(map(str, INTERVALS))} s, {len(PROMQL)} PromQL queries\n"
        )
