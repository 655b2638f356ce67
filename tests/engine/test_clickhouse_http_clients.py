"""What clients send to ClickHouse, and get from the embedded one: each test is named by the right answer."""

import bz2
import gzip
import http.client
import json
import lzma
from collections.abc import Callable, Iterator
from typing import Any

import brotli
import pytest

from streams.embedded.clickhouse.blocks import BlockDecoder, BlockEncoder
from streams.embedded.clickhouse.decode import decoder
from streams.embedded.ports import free_pair
from tests.support.clickhouse_http import ClickHouseProcess


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClickHouseProcess]:
    path = tmp_path_factory.mktemp("clickhouse") / "data"
    process = ClickHouseProcess(
        path, free_pair(), "--hosts", "host.docker.internal,db.test", "--body-bytes", "20000000"
    )
    try:
        yield process.ready()
    finally:
        process.kill()


def read(server: ClickHouseProcess, sql: str | bytes = b"", **options: Any) -> Any:
    return server.ask(sql, user="reader", **options)


def code(got: Any) -> str:
    return str(got.headers.get("X-ClickHouse-Exception-Code", ""))


def unpacked(data: bytes) -> bytes:
    stream = BlockDecoder(1 << 30)
    whole = b"".join(stream.feed(data))
    stream.end()
    return whole


# Compressed blocks


def test_compress_1_answers_with_a_checksummed_lz4_block(server: ClickHouseProcess) -> None:
    got = read(server, parameters={"compress": "1", "query": "SELECT 1"})
    assert got.data.hex() == "de79cf087fb635049db816df195b016b820c0000000200000020310a"
    assert "Content-Encoding" not in got.headers


def test_compress_1_sends_a_large_answer_as_blocks_of_a_mebibyte_at_most(server: ClickHouseProcess) -> None:
    got = read(server, "SELECT number FROM numbers(1000000)", parameters={"compress": "1"})
    assert unpacked(got.data) == b"".join(b"%d\n" % number for number in range(1_000_000))


def test_compress_1_compresses_the_exception_too(server: ClickHouseProcess) -> None:
    got = read(server, "SELECT nope", parameters={"compress": "1"})
    assert (got.status, code(got)) == (404, "47")
    assert unpacked(got.data).startswith(b"Code: 47. DB::Exception: ")


def test_compress_1_within_a_content_encoding_is_both(server: ClickHouseProcess) -> None:
    both = {"compress": "1", "enable_http_compression": "1"}
    got = server.ask("SELECT 7", parameters=both, headers={"Accept-Encoding": "gzip"})
    # urllib3 has undone the Content-Encoding.
    assert (got.headers["Content-Encoding"], unpacked(got.data)) == ("gzip", b"7\n")


def test_decompress_1_stores_each_row_of_blocks(server: ClickHouseProcess) -> None:
    server.ask("CREATE OR REPLACE TABLE blocks (a UInt64) ENGINE = MergeTree ORDER BY a")
    data = b"".join(b"%d\n" % number for number in range(500_000))
    insert = {"query": "INSERT INTO blocks FORMAT TSV", "decompress": "1"}
    assert server.ask(BlockEncoder().feed(data), parameters=insert).status == 200
    outside: dict[str, Any] = {"headers": {"Content-Encoding": "gzip"}}
    assert server.ask(gzip.compress(BlockEncoder().feed(b"500000\n")), parameters=insert, **outside).status == 200
    in_body = BlockEncoder().feed(b"INSERT INTO blocks FORMAT TSV\n500001\n")
    assert server.ask(in_body, parameters={"decompress": "1"}).status == 200
    assert server.ask("SELECT count(), sum(a) FROM blocks").data == b"500002\t125000750001\n"


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda sent: sent[:-1] + b"!", "40"),
        (lambda sent: sent[:-1], "271"),
        (lambda sent: sent[:16] + b"\x01" + sent[17:], "432"),
        (lambda sent: b"1\n" * 30, "432"),
        (lambda sent: sent + b"more", "271"),
    ],
)
def test_decompress_1_stores_nothing_of_damaged_blocks(
    server: ClickHouseProcess, change: Callable[[bytes], bytes], expected: str
) -> None:
    server.ask("CREATE OR REPLACE TABLE damaged (a String) ENGINE = MergeTree ORDER BY a")
    sent = change(BlockEncoder().feed(b"abc\n"))
    got = server.ask(sent, parameters={"query": "INSERT INTO damaged FORMAT TSV", "decompress": "1"})
    assert (code(got), server.ask("SELECT count() FROM damaged").data) == (expected, b"0\n")


# Content-Encodings


@pytest.mark.parametrize(
    ("name", "compress"),
    [("br", brotli.compress), ("xz", lzma.compress), ("bz2", bz2.compress)],
)
def test_bodies_may_be_compressed_as_br_xz_and_bz2(
    server: ClickHouseProcess, name: str, compress: Callable[[bytes], bytes]
) -> None:
    got = read(server, compress(b"SELECT 'packed'"), headers={"Content-Encoding": name})
    assert got.data == b"packed\n"
    bomb = compress(bytes(40_000_000))
    insert = {"query": "INSERT INTO FUNCTION null('a String') FORMAT LineAsString"}
    assert server.ask(bomb, parameters=insert, headers={"Content-Encoding": name}).status == 413
    assert code(read(server, b"not packed", headers={"Content-Encoding": name})) == "271"


@pytest.mark.parametrize("name", ["br", "xz", "bz2", "snappy", "zstd", "lz4", "gzip", "deflate"])
def test_answers_are_compressed_as_the_client_accepts(server: ClickHouseProcess, name: str) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", server.port)
    query = "/?enable_http_compression=1&query=SELECT+number+FROM+numbers(300000)"
    connection.request("GET", query, headers={"Accept-Encoding": name})
    got = connection.getresponse()
    stream = decoder(name)
    data = b"".join(stream.feed(got.read()))
    stream.end()
    assert (got.headers["Content-Encoding"], data.count(b"\n")) == (name, 300_000)


# Text of queries, parameters, settings


def test_a_query_that_is_not_utf_8_is_one_row_of_2_bytes(server: ClickHouseProcess) -> None:
    assert read(server, b"SELECT length('\xff\xfe')").data == b"2\n"
    assert read(server, b"SELECT '\xff\xfe' AS x FORMAT RawBLOB").data == b"\xff\xfe"
    connection = http.client.HTTPConnection("127.0.0.1", server.port)
    connection.request("GET", "/?query=SELECT+length('%FF%FE')")
    assert connection.getresponse().read() == b"2\n"


def test_a_dollar_sign_in_a_parameters_name_is_5(server: ClickHouseProcess) -> None:
    assert read(server, "SELECT {id$x:UInt8}", parameters={"param_id$x": "5"}).data == b"5\n"


@pytest.mark.parametrize(
    ("sql", "answer"),
    [
        ("SELECT $$FORMAT JSON$$ FORMAT TSV", b"FORMAT JSON\n"),
        ("SELECT $ab$ it's $$ $ab$ AS x", b" it\\'s $$ \n"),
        ("SELECT 'a$b$' || $t$;$t$", b"a$b$;\n"),
        ("SELECT 1 AS a$b$c FORMAT TSVWithNames", b"a$b$c\n1\n"),
        ("SELECT 1 AS $x", b"1\n"),
        ("SELECT 'x;' ;;", b"x;\n"),
        ("SELECT 1 -- FORMAT JSON;", b"1\n"),
    ],
)
def test_dollar_signs_and_semicolons_are_read_as_clickhouse_reads_them(
    server: ClickHouseProcess, sql: str, answer: bytes
) -> None:
    assert read(server, sql).data == answer


def test_settings_that_end_in_types_or_structure_or_format_have_effect(server: ClickHouseProcess) -> None:
    sent = {
        "allow_suspicious_low_cardinality_types": "1",
        "output_format_parquet_compliant_nested_types": "0",
        "date_time_input_format": "best_effort",
    }
    values = ", ".join(f"toString(getSetting({name!r}))" for name in sent)
    assert read(server, f"SELECT {values}", parameters=sent).data == b"true\tfalse\tbest_effort\n"
    assert code(read(server, "SELECT 1", parameters={"no_such_types": "1"})) == "115"


def test_of_two_parameters_of_one_name_the_first_counts(server: ClickHouseProcess) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", server.port)
    connection.request("GET", "/?query=SELECT+{a:UInt8}&param_a=1&param_a=2&default_format=CSV&default_format=JSON")
    assert connection.getresponse().read() == b"1\n"


# What drivers ask for first


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_the_root_without_a_query_is_200_ok(server: ClickHouseProcess, method: str) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", server.port)
    connection.request(method, "/")
    got = connection.getresponse()
    assert (got.status, got.read()) == (200, b"Ok.\n" if method == "GET" else b"")
    assert server.ask(method=method, parameters={"query": "SELECT 1"}).status == 200
    assert server.ask(method="POST").headers["X-ClickHouse-Exception-Code"] == "62"


@pytest.mark.parametrize(
    ("name", "content_type"),
    [
        ("JSON", "application/json; charset=UTF-8"),
        ("JSONEachRow", "application/x-ndjson; charset=UTF-8"),
        ("CSV", "text/csv; charset=UTF-8; header=absent"),
        ("CSVWithNames", "text/csv; charset=UTF-8; header=present"),
        ("TSV", "text/tab-separated-values; charset=UTF-8"),
        ("Native", "application/octet-stream"),
        ("RowBinary", "application/octet-stream"),
        ("Parquet", "application/octet-stream"),
        ("XML", "application/xml; charset=UTF-8"),
        ("Pretty", "text/plain; charset=UTF-8"),
    ],
)
def test_the_content_type_is_that_of_the_format(server: ClickHouseProcess, name: str, content_type: str) -> None:
    got = read(server, f"SELECT 1 FORMAT {name}")
    assert (got.headers["Content-Type"], got.headers["X-ClickHouse-Format"]) == (content_type, name)


def test_current_user_is_the_user_of_the_request(server: ClickHouseProcess) -> None:
    sql = "SELECT currentUser(), user() AS u, concat(current_user(), '!') FORMAT CSVWithNames"
    for user in ("reader", "writer"):
        names, values = server.ask(sql, user=user).data.decode().splitlines()
        assert (names.split(",")[:2], values) == (['"currentUser()"', '"u"'], f'"{user}","{user}","{user}!"')
    assert read(server, "SELECT user FROM (SELECT 'column' AS user)").data == b"column\n"
    assert read(server, "SELECT queryID()", parameters={"query_id": "mine'\\"}).data == b"mine\\'\\\\\n"


def test_into_outfile_is_134_and_writes_no_file(server: ClickHouseProcess) -> None:
    file = server.path / "out.csv"
    got = server.ask(f"SELECT 1 INTO OUTFILE '{file}' FORMAT CSV")
    assert (code(got), file.exists()) == ("134", False)


def test_show_create_table_of_a_system_table_is_its_statement(server: ClickHouseProcess) -> None:
    for sql in ("SHOW CREATE TABLE system.tables", "show create `system`.`tables` FORMAT TSVRaw"):
        got = read(server, sql).data.decode()
        assert got.startswith("CREATE TABLE system.tables")
        assert "`database` String" in got
        assert "ENGINE = SystemTables" in got
    assert code(read(server, "SHOW CREATE TABLE system.nope")) == "60"


@pytest.mark.parametrize("name", ["host.docker.internal", "DB.TEST", "localhost", "127.0.0.1"])
def test_a_name_of_the_server_from_its_settings_is_answered(server: ClickHouseProcess, name: str) -> None:
    assert read(server, "SELECT 1", headers={"Host": f"{name}:{server.port}"}).status == 200
    assert read(server, "SELECT 1", headers={"Host": f"other.{name}:{server.port}"}).status == 403


def test_the_summary_counts_what_was_read_written_and_returned(server: ClickHouseProcess) -> None:
    got = read(server, "SELECT number FROM numbers(1000) LIMIT 10", parameters={"send_progress_in_http_headers": "1"})
    summary = json.loads(got.headers["X-ClickHouse-Summary"])
    assert (summary["read_rows"] != "0", summary["result_rows"], summary["written_rows"]) == (True, "10", "0")
    assert json.loads(got.headers["X-ClickHouse-Progress"]).keys() == summary.keys()
    server.ask("CREATE OR REPLACE TABLE sums (a UInt64) ENGINE = MergeTree ORDER BY a")
    for sql in ("INSERT INTO sums VALUES (1), (2), (3)", "INSERT INTO sums SELECT number FROM numbers(3)"):
        assert json.loads(server.ask(sql).headers["X-ClickHouse-Summary"])["written_rows"] == "3"


@pytest.mark.parametrize("revision", [54337, 54405, 54454, 54468])
def test_native_has_the_zone_of_datetime_and_a_block_info_in_front(server: ClickHouseProcess, revision: int) -> None:
    sql = "SELECT toDateTime(1676369730, 'Asia/Shanghai') AS dt, [dt] AS l, now64(3, 'UTC') AS d FORMAT Native"
    got = read(server, sql, parameters={"client_protocol_version": str(revision)}).data
    assert got.startswith(b"\x01\x00\x02\xff\xff\xff\xff\x00\x03\x01\x02dt\x19DateTime('Asia/Shanghai')")
    assert b"\x01l\x20Array(DateTime('Asia/Shanghai'))" in got
    plain = read(server, sql).data
    assert plain.startswith(b"\x03\x01\x02dt\x08DateTime")


@pytest.mark.parametrize("sql", ["EXPLAIN SELECT now()", "DESCRIBE system.tables", "SHOW TABLES", "EXISTS system.one"])
def test_native_of_other_reads_than_select_needs_no_right(server: ClickHouseProcess, sql: str) -> None:
    assert server.client("reader").query(sql).result_rows is not None


def test_before_54405_low_cardinality_is_refused_and_never_sent(server: ClickHouseProcess) -> None:
    sql = "SELECT toLowCardinality('a') AS x FORMAT Native"
    assert code(read(server, sql, parameters={"client_protocol_version": "54400"})) == "48"
    assert b"LowCardinality" in read(server, sql, parameters={"client_protocol_version": "54405"}).data


@pytest.mark.parametrize("zone", ["Asia/Shanghai", "America/New_York"])
def test_clickhouse_connect_shows_the_zone_of_a_datetime(server: ClickHouseProcess, zone: str) -> None:
    client = server.client("reader")
    row = client.query(f"SELECT toDateTime(1676369730, '{zone}') AS dt").first_row
    assert (str(row[0].tzinfo), int(row[0].timestamp())) == (zone, 1676369730)
