"""The embedded ClickHouse serves ClickHouse's HTTP interface: clickhouse-connect and curl need no special handling."""

import gzip
import io
import json
import shutil
import subprocess
from collections.abc import Iterator
from typing import Any

import lz4.frame
import pyarrow
import pyarrow.parquet
import pytest
import zstandard
from clickhouse_connect.driver.exceptions import DatabaseError, StreamFailureError
from clickhouse_connect.driver.external import ExternalData

from streams.embedded.ports import free_pair
from tests.support.clickhouse_http import ClickHouseProcess

TABLE = "CREATE OR REPLACE TABLE t (a UInt64, b String, c Nullable(Float64)) ENGINE = MergeTree ORDER BY a"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClickHouseProcess]:
    process = ClickHouseProcess(tmp_path_factory.mktemp("clickhouse") / "data", free_pair(), "--body-bytes", "20000000")
    try:
        yield process.ready()
    finally:
        process.kill()


@pytest.fixture
def client(server: ClickHouseProcess) -> Iterator[Any]:
    client = server.client()
    client.command(TABLE)
    yield client
    client.close()


def test_ping_and_the_empty_query(server: ClickHouseProcess, client: Any) -> None:
    assert client.ping()
    assert server.ask(method="GET", parameters={"database": "default"}).status == 400  # an empty query
    with_curl = subprocess.run(["curl", "-s", f"{server.url}ping"], capture_output=True, check=True)
    assert with_curl.stdout == b"Ok.\n"


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
def test_curl_can_query(server: ClickHouseProcess) -> None:
    got = subprocess.run(["curl", "-s", f"{server.url}?query=SELECT+1,2"], capture_output=True, check=True)
    assert got.stdout == b"1\t2\n"


@pytest.mark.parametrize("compress", [False, "lz4", "zstd", "gzip"])
def test_rows_come_back_as_they_were_inserted(server: ClickHouseProcess, client: Any, compress: Any) -> None:
    compressing = server.client(compress=compress)
    rows = [(n, f"a'b\\\n\t\0ü{n}", None if n % 2 else n / 3) for n in range(1000)]
    summary = compressing.insert("t", rows, column_names=["a", "b", "c"])
    assert summary.written_rows == 1000
    assert compressing.query("SELECT * FROM t ORDER BY a").result_rows == rows


def test_large_results_are_streamed(client: Any) -> None:
    sql = "SELECT number, toString(number) AS s FROM numbers(300000)"
    with client.query_row_block_stream(sql) as blocks:
        assert sum(len(block) for block in blocks) == 300_000
    with client.query_df_stream(sql) as frames:
        assert sum(len(frame) for frame in frames) == 300_000
    with client.raw_stream(sql, fmt="CSV") as raw:
        assert raw.read().count(b"\n") == 300_000
    assert client.query_arrow(sql).num_rows == 300_000
    with client.query_arrow_stream(sql) as batches:
        assert sum(batch.num_rows for batch in batches) == 300_000


@pytest.mark.parametrize(
    "name", ["CSVWithNames", "JSON", "Parquet", "JSONEachRow", "Pretty", "RowBinaryWithNamesAndTypes"]
)
def test_a_streamed_format_has_one_header_and_footer(client: Any, name: str) -> None:
    whole = client.raw_query("SELECT number AS n FROM numbers(200000) ORDER BY n", fmt=name)
    if name == "JSON":
        assert len(json.loads(whole)["data"]) == 200_000
    if name == "Parquet":
        assert pyarrow.parquet.read_table(io.BytesIO(whole)).num_rows == 200_000
    if name == "CSVWithNames":
        assert whole.count(b'"n"\n') == 1


def test_raw_inserts(client: Any) -> None:
    parquet = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.table({"a": [5], "b": ["x"]}), parquet)
    client.raw_insert("t", ["a", "b"], '1,"one"\n', fmt="CSV")
    client.raw_insert("t", None, b'{"a":2,"b":"two"}\n', fmt="JSONEachRow")
    client.raw_insert("t", None, parquet.getvalue(), fmt="Parquet")
    client.raw_insert("t", ["a", "b"], iter([b"6,s", b"ix\n7,seven\n"]), fmt="CSV")
    client.raw_insert("t", ["a", "b"], gzip.compress(b"8,eight\n"), fmt="CSV", compression="gzip")
    client.raw_insert("t", ["a", "b"], lz4.frame.compress(b"9,nine\n"), fmt="CSV", compression="lz4")
    client.raw_insert("t", ["a", "b"], zstandard.compress(b"10,ten\n"), fmt="CSV", compression="zstd")
    assert client.query("SELECT groupArray(a) FROM (SELECT a FROM t ORDER BY a)").first_row[0] == [
        1,
        2,
        5,
        6,
        7,
        8,
        9,
        10,
    ]


def test_inline_and_selected_inserts(server: ClickHouseProcess, client: Any) -> None:
    client.command("INSERT INTO t (a, b) VALUES (1, 'x'), (1 + 1, upper('y'))")
    client.command("INSERT INTO t SELECT number + 3, 'z', NULL FROM numbers(2)")
    client.command("INSERT INTO {table:Identifier} (a) VALUES ({a:UInt64})", parameters={"table": "t", "a": 5})
    split = {"query": "INSERT INTO t (a, b) FORMAT CSV"}
    assert server.ask("6,six\n", parameters=split).status == 200
    assert client.query("SELECT a, b FROM t ORDER BY a").result_rows == [
        (1, "x"), (2, "Y"), (3, "z"), (4, "z"), (5, ""), (6, "six"),
    ]  # fmt: skip


def test_an_insert_with_an_error_stores_nothing(server: ClickHouseProcess, client: Any) -> None:
    good = client.raw_query("SELECT number AS a, 'x' AS b FROM numbers(1000)", fmt="Native")
    cut = server.ask(b"INSERT INTO t (a, b) FORMAT Native\n" + good[:-100])
    assert (cut.status, cut.headers["X-ClickHouse-Exception-Code"]) == (500, "33")
    assert server.ask("INSERT INTO t (a, b) FORMAT CSV\n1,x\nnone,y\n").status == 400
    assert client.command("SELECT count() FROM t") == 0


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ("ALTER TABLE t ADD CONSTRAINT small CHECK a < 10", 469),
        ("ALTER TABLE t MODIFY SETTING parts_to_throw_insert = 1, parts_to_delay_insert = 0", 252),
    ],
)
def test_an_insert_that_fails_at_its_end_is_reported(client: Any, change: str, code: int) -> None:
    client.insert("t", [(1, "", None)], column_names=["a", "b", "c"])
    client.insert("t", [(2, "", None)], column_names=["a", "b", "c"])
    client.command(change)
    with pytest.raises(DatabaseError, match=f"code {code}|Code: {code}"):
        client.insert("t", [(11, "", None)], column_names=["a", "b", "c"])
    assert client.query("SELECT max(a) FROM t").first_row == (2,)


def test_parameters(client: Any) -> None:
    text = "quote ' backslash \\ newline \n tab \t ü {x:String} --"
    sql = "SELECT {s:String}, {n:UInt32}, {l:Array(String)}, {z:Nullable(String)}"
    values = {"s": text, "n": 7, "l": [text, ""], "z": None}
    assert client.query(sql, parameters=values).first_row == (text, 7, [text, ""], None)


def test_form_encoded_parameters_and_external_data(server: ClickHouseProcess) -> None:
    client = server.client("reader", form_encode_query_params=True)
    assert client.query("SELECT {s:String}", parameters={"s": "a'b\n"}).first_row == ("a'b\n",)
    external = ExternalData(file_name="ids.csv", data=b"1,x\n2,y\n", fmt="CSV", structure="id UInt8, name String")
    assert client.query("SELECT sum(id), max(name) FROM ids", external_data=external).first_row == (3, "y")


def test_the_engine_checks_settings_and_they_last_one_request(server: ClickHouseProcess) -> None:
    client = server.client(autogenerate_session_id=False)
    sql = "SELECT getSetting('max_threads')"
    assert client.query(sql, settings={"max_threads": 1}).first_row == (1,)
    assert client.command("SELECT changed FROM system.settings WHERE name = 'max_threads'") == 0
    client.command("SET max_threads = 1")  # without a name, a session lasts one request
    assert client.command("SELECT changed FROM system.settings WHERE name = 'max_threads'") == 0
    unknown = server.ask("SELECT 1", parameters={"no_such_setting": "1"})
    assert (unknown.status, unknown.headers["X-ClickHouse-Exception-Code"]) == (404, "115")
    slow = server.ask("SELECT sum(cityHash64(number)) FROM numbers(1e12)", parameters={"max_execution_time": "0.2"})
    assert (slow.status, slow.headers["X-ClickHouse-Exception-Code"]) == (408, "159")


def test_a_deduplication_token_is_honoured(client: Any) -> None:
    client.command("ALTER TABLE t MODIFY SETTING non_replicated_deduplication_window = 100")
    for _ in range(2):
        client.insert("t", [[1, "x"]], ["a", "b"], settings={"insert_deduplication_token": "k", "async_insert": 0})
    assert client.command("SELECT count() FROM t") == 1


@pytest.mark.parametrize("generated", [True, False])
def test_session_ids_are_accepted(server: ClickHouseProcess, generated: bool) -> None:
    assert server.client(autogenerate_session_id=generated).query("SELECT 1").first_row == (1,)


def test_database_and_format(server: ClickHouseProcess, client: Any) -> None:
    client.command("CREATE DATABASE IF NOT EXISTS other")
    assert server.client(database="other").command("SELECT currentDatabase()") == "other"
    got = server.ask(
        "SELECT currentDatabase() AS d",
        headers={"X-ClickHouse-Database": "other", "X-ClickHouse-Format": "JSONEachRow"},
    )
    assert (got.data, got.headers["X-ClickHouse-Format"]) == (b'{"d":"other"}\n', "JSONEachRow")
    assert server.ask("SELECT 1 AS x", parameters={"default_format": "CSVWithNames"}).data == b'"x"\n1\n'
    assert server.ask("SELECT 1", parameters={"database": "nowhere"}).headers["X-ClickHouse-Exception-Code"] == "81"


def test_headers_of_an_answer(server: ClickHouseProcess) -> None:
    got = server.ask(
        "SELECT number FROM numbers(10)", parameters={"query_id": "mine", "session_timezone": "Asia/Tokyo"}
    )
    assert got.headers["X-ClickHouse-Query-Id"] == "mine"
    assert got.headers["X-ClickHouse-Timezone"] == "Asia/Tokyo"
    assert json.loads(got.headers["X-ClickHouse-Summary"])["read_rows"] == "10"


TYPES = [
    "number", "toString(number)", "toNullable(number)", "toLowCardinality(toString(number % 3))", "[number, 1]",
    "CAST([], 'Array(LowCardinality(String))')", "map('a', number)", "(number, 'x')", "now64(3, 'UTC')", "now()",
    "CAST(toLowCardinality('a') AS LowCardinality(Nullable(String)))", "CAST((1, 'a'), 'Tuple(a UInt8, `b c` String)')",
    "toDecimal64(1, 3)", "toDecimal256(1, 3)", "toFixedString('ab', 3)", "generateUUIDv4()", "toIPv6('::1')", "true",
    "CAST('a,(', 'Enum8(\\'a,(\\' = 1)')", "[[toLowCardinality('q')], []]", "NULL", "(1.0, 2.0)::Point",
    "map(toLowCardinality('k'), [CAST((1, 'x'), 'Tuple(UInt8, Nullable(String))')])", "tuple()",
    "toIntervalDay(1)", "toDate32('1960-01-01')",
]  # fmt: skip


@pytest.mark.parametrize("expression", TYPES)
def test_a_client_with_a_protocol_version_gets_matching_native_blocks(
    server: ClickHouseProcess, expression: str
) -> None:
    """As clickhouse-go, and therefore Grafana, expects: eight bytes before each block, and one in each column."""
    sql = f"SELECT {expression} AS x, number, 'end' FROM numbers(1000) FORMAT Native"
    plain = server.ask(sql)
    framed = server.ask(sql, parameters={"client_protocol_version": "54460"})
    assert (plain.status, framed.status) == (200, 200), framed.data
    assert framed.data.startswith(b"\x01\x00\x02\xff\xff\xff\xff\x00" + plain.data[:4])
    assert len(framed.data) == len(plain.data) + 8 + 3
    assert framed.data[-1000 * 4 :] == plain.data[-1000 * 4 :]


@pytest.mark.parametrize(
    ("sql", "status", "code"),
    [
        ("SELEC 1", 400, 62),
        ("SELECT 1; SELECT 2", 400, 62),
        ("SELECT * FROM other_than.nope", 404, 81),
        ("SELECT * FROM system.nope", 404, 60),
        ("SELECT nope", 404, 47),
        ("SELECT nope(1)", 404, 46),
        ("SELECT toUInt8('x')", 400, 6),
        ("SELECT throwIf(1)", 500, 395),
        ("SELECT 1 FORMAT Nope", 404, 73),
    ],
)
def test_errors_are_clickhouses_own(server: ClickHouseProcess, sql: str, status: int, code: int) -> None:
    got = server.ask(sql)
    assert (got.status, got.headers["X-ClickHouse-Exception-Code"]) == (status, str(code))
    assert got.data.decode().startswith(f"Code: {code}. DB::Exception: ")


def test_an_error_in_the_middle_does_not_look_like_an_end(server: ClickHouseProcess, client: Any) -> None:
    sql = "SELECT repeat('x', 1000), throwIf(number = 50000) FROM numbers(100000) SETTINGS max_block_size = 1000"
    with pytest.raises(StreamFailureError, match="395"), client.query_row_block_stream(sql) as blocks:
        list(blocks)
    got = subprocess.run(["curl", "-s", server.url, "-d", sql], capture_output=True, check=False)
    assert got.returncode != 0  # curl notices that the transfer was cut off
    assert b"Code: 395. DB::Exception" in got.stdout
    with pytest.raises(DatabaseError, match="395"):  # held back whole, with a status of its own
        client.query(sql)


def test_the_size_of_bodies_is_limited(server: ClickHouseProcess) -> None:
    insert = {"query": "INSERT INTO t (b) FORMAT CSV"}
    assert server.ask(b"x" * 21_000_000, parameters=insert).status == 413
    for encoding, bomb in (
        ("gzip", gzip.compress(b"x" * 500_000_000, 9)),
        ("lz4", lz4.frame.compress(b"x" * 500_000_000)),
        ("zstd", zstandard.compress(b"x" * 500_000_000)),
    ):
        got = server.ask(bomb, parameters=insert, headers={"Content-Encoding": encoding})
        assert (got.status, got.headers["X-ClickHouse-Exception-Code"]) == (413, "307")
    assert server.ask(b"no gzip", headers={"Content-Encoding": "gzip"}).headers["X-ClickHouse-Exception-Code"] == "271"
    assert server.ask(b"x", headers={"Content-Encoding": "compress"}).headers["X-ClickHouse-Exception-Code"] == "89"
