"""Every row of an INSERT is stored as it was sent, or the INSERT is refused; a 200 never loses or changes one."""

import gzip
from collections.abc import Iterator
from typing import Any

import pytest

from streams.embedded.ports import free_pair
from tests.support.clickhouse_http import ClickHouseProcess

BIG_COMMENT = b"/*" + b"x" * 300_000 + b"*/"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClickHouseProcess]:
    process = ClickHouseProcess(tmp_path_factory.mktemp("clickhouse") / "data", free_pair())
    try:
        yield process.ready()
    finally:
        process.kill()


@pytest.fixture
def table(server: ClickHouseProcess) -> ClickHouseProcess:
    """Empty tables: `t` (a UInt64, s String) and `w` (s String)."""
    server.ask("CREATE OR REPLACE TABLE t (a UInt64, s String) ENGINE = MergeTree ORDER BY a")
    server.ask("CREATE OR REPLACE TABLE w (s String) ENGINE = MergeTree ORDER BY s")
    return server


def code(got: Any) -> str:
    return str(got.headers.get("X-ClickHouse-Exception-Code", ""))


def rows(server: ClickHouseProcess, name: str = "t") -> bytes:
    return bytes(server.ask(f"SELECT * FROM {name} ORDER BY ALL").data)


INPUT = "INSERT INTO t SELECT x * 2, y FROM input('x UInt32, y String') FORMAT CSV"


def test_input_with_its_data_in_the_body_stores_100_in(table: ClickHouseProcess) -> None:
    got = table.ask("50,in\n", parameters={"query": INPUT})
    assert (got.status, rows(table)) == (200, b"100\tin\n")


def test_input_with_all_in_the_body_stores_102_in(table: ClickHouseProcess) -> None:
    got = table.ask(INPUT + "\n51,in\n")
    assert (got.status, rows(table)) == (200, b"102\tin\n")


SOURCE = "input('x UInt64, y String')"


@pytest.mark.parametrize(
    ("sql", "stored"),
    [
        (f"INSERT INTO t SELECT x, y FROM (SELECT * FROM {SOURCE}) FORMAT CSV", b"7\tseven\n"),
        (f"INSERT INTO t (a, s) WITH i AS (SELECT * FROM {SOURCE}) SELECT * FROM i FORMAT CSV", b"7\tseven\n"),
        (f"WITH i AS (SELECT * FROM {SOURCE}) INSERT INTO t SELECT * FROM i FORMAT CSV", b"7\tseven\n"),
        (f"INSERT INTO t SELECT x + n, y FROM {SOURCE} i JOIN (SELECT 1 n) o ON 1 FORMAT CSV", b"8\tseven\n"),
        ("INSERT INTO t SELECT x, y FROM INPUT ( $$x UInt64, y String$$ ) AS format FORMAT CSV", b"7\tseven\n"),
        (f"INSERT INTO t SELECT x + {{n:UInt64}}, y FROM {SOURCE} SETTINGS max_threads = 1 FORMAT CSV", b"12\tseven\n"),
        ("INSERT INTO t (s) SELECT format FROM input('x UInt64, format String') FORMAT CSV", b"0\tseven\n"),
        (f"INSERT INTO t (SELECT x, y FROM {SOURCE}) FORMAT CSV", b"7\tseven\n"),
    ],
)
@pytest.mark.parametrize("where", ["url", "body"])
def test_input_is_read_wherever_it_stands(table: ClickHouseProcess, sql: str, stored: bytes, where: str) -> None:
    parameters = {"param_n": "5"}
    if where == "url":
        got = table.ask("7,seven\n", parameters={"query": sql, **parameters})
    else:
        got = table.ask(sql + "\n7,seven\n", parameters=parameters)
    assert (got.status, rows(table)) == (200, stored), got.data


def test_input_reads_data_of_any_format_size_and_compression(table: ClickHouseProcess) -> None:
    many = b"".join(b"%d,%s\n" % (number, b"x" * 100) for number in range(20_000))
    assert table.ask(many, parameters={"query": INPUT}).headers["X-ClickHouse-Summary"].count('"20000"') > 0
    packed = table.ask(gzip.compress(many), parameters={"query": INPUT}, headers={"Content-Encoding": "gzip"})
    assert packed.status == 200
    native = table.ask("SELECT toUInt32(9) AS x, 'n' AS y FORMAT Native").data
    assert table.ask(native, parameters={"query": INPUT.replace("CSV", "Native")}).status == 200
    assert table.ask("SELECT count(), sum(a) FROM t").data == b"40001\t%d\n" % (4 * sum(range(20_000)) + 18)


def test_input_without_data_stores_no_row(table: ClickHouseProcess) -> None:
    for name in ("CSV", "Native", "Parquet"):
        assert table.ask(INPUT.replace("CSV", name)).status == 200
    assert rows(table) == b""


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        (INPUT + "\nnone,in\n", "27"),
        ("INSERT INTO t SELECT x, y FROM input('x UInt32, y String')", "342"),
        ("INSERT INTO t SELECT x, y FROM input() FORMAT CSV\n1,a\n", "42"),
        ("INSERT INTO t SELECT x, y FROM input('x UInt32, y String', 'z') FORMAT CSV\n1,a\n", "42"),
        ("INSERT INTO t SELECT * FROM input('x UInt8, y String') UNION ALL SELECT * FROM input('x UInt8, y String')"
         " FORMAT CSV\n1,a\n", "342"),
        ("INSERT INTO t SELECT 1, 'a' FORMAT CSV\n5,lost\n", "342"),
        ("INSERT INTO t FORMAT CSV; 5,lost\n", "62"),
        ("INSERT INTO t FROM INFILE 'x.csv' FORMAT CSV", "116"),
    ],
)  # fmt: skip
def test_what_would_lose_rows_is_refused_and_stores_nothing(table: ClickHouseProcess, sql: str, expected: str) -> None:
    got = table.ask(sql)
    assert (code(got), rows(table)) == (expected, b""), got.data


def test_input_gives_a_reader_no_right_to_insert(table: ClickHouseProcess) -> None:
    assert code(table.ask(INPUT + "\n51,in\n", user="reader")) == "164"
    assert rows(table) == b""


def test_with_insert_stores_one_row_with_its_semicolon(table: ClickHouseProcess) -> None:
    got = table.ask("WITH 1 AS y INSERT INTO w (s) FORMAT TabSeparated\nvalue;\n")
    assert (got.status, rows(table, "w")) == (200, b"value;\n")


@pytest.mark.parametrize(
    ("sql", "stored"),
    [
        ("WITH 1 AS y INSERT INTO w (s) VALUES ('a;'), (';')", b";\na;\n"),
        ("WITH 1 AS y, 2 AS z INSERT INTO w SELECT toString(y + z);", b"3\n"),
        ("WITH insert AS (SELECT 'i' AS s) INSERT INTO w SELECT s FROM insert", b"i\n"),
        ("WITH 'select' AS a INSERT INTO w FORMAT TSV\n/* no comment */\n-- none;\n", b"-- none;\n/* no comment */\n"),
        ("with (select 1) as y insert into w format TSV\n;\n", b";\n"),
        ("INSERT INTO w FORMAT TSV\nvalue;\n", b"value;\n"),
        ("INSERT INTO w FORMAT TSV value;", b"value;\n"),
        ("INSERT INTO w FORMAT RawBLOB\n;", b";\n"),
        ("INSERT INTO w SELECT 's' FORMAT TSV", b"s\n"),
        ("INSERT INTO w SELECT 's' FORMAT TSV;\n", b"s\n"),
        ("INSERT INTO w FORMAT TSV", b""),
        ("INSERT INTO w FORMAT TSV;", b""),
    ],
)
def test_data_of_an_insert_is_stored_byte_for_byte(table: ClickHouseProcess, sql: str, stored: bytes) -> None:
    got = table.ask(sql)
    assert (got.status, rows(table, "w")) == (200, stored), got.data


def test_binary_data_may_begin_with_a_semicolon_or_a_line_end(table: ClickHouseProcess) -> None:
    for first in (b";", b"\n", b" ", b"\t"):
        row = int.from_bytes(first, "little").to_bytes(8, "little") + b"\x01x"
        assert table.ask(row, parameters={"query": "INSERT INTO t FORMAT RowBinary"}).status == 200
        assert table.ask(b"INSERT INTO t FORMAT RowBinary\n" + row).status == 200
    assert rows(table) == b"".join(b"%d\tx\n" % number for number in (9, 9, 10, 10, 32, 32, 59, 59))


@pytest.mark.parametrize(
    "sql", [b"INSERT INTO w FORMAT TSV\nvalue;\n", b"WITH 1 AS y INSERT INTO w FORMAT TSV\nvalue;\n"]
)
def test_a_statement_beyond_the_engines_query_size_loses_no_data(table: ClickHouseProcess, sql: bytes) -> None:
    got = table.ask(BIG_COMMENT + sql, parameters={"max_query_size": "1000000"})
    assert (got.status, rows(table, "w")) == (200, b"value;\n"), got.data


def test_an_insert_hidden_in_another_statement_is_refused(table: ClickHouseProcess) -> None:
    got = table.ask("INSERT INTO w SELECT 'a' PARALLEL WITH INSERT INTO w FORMAT TSV\nlost;\n")
    assert got.status != 200
    assert b"lost" not in rows(table, "w")


def test_settings_of_the_request_reach_the_data_of_input(table: ClickHouseProcess) -> None:
    got = table.ask("7|x\n", parameters={"query": INPUT, "format_csv_delimiter": "|"})
    assert (got.status, rows(table)) == (200, b"14\tx\n")


def test_an_insert_with_a_token_by_input_is_stored_once(table: ClickHouseProcess) -> None:
    table.ask("ALTER TABLE t MODIFY SETTING non_replicated_deduplication_window = 100")
    settings = {"insert_deduplication_token": "one", "insert_select_deduplicate": "1"}
    for _ in range(2):
        assert table.ask("1,x\n", parameters={"query": INPUT, **settings}).status == 200
    assert rows(table) == b"2\tx\n"
