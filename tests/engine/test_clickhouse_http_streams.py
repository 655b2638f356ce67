"""Answers of every format are one output, streamed while it is made, and end in a way that can't be mistaken."""

import http.client
import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet
import pytest

from streams.embedded.ports import free_pair
from tests.support.clickhouse_http import ClickHouseProcess
from tests.support.wait import until

ROWS = 400_000
SQL = f"SELECT number AS n, 'a' AS s FROM numbers({ROWS})"

ENDLESS = "SELECT count() FROM system.processes WHERE query LIKE '%1000000000000)%' AND query NOT LIKE '%processes%'"
FRAME = re.compile(rb"__exception__\r\n(.{16})\r\n(.*\n)(\d+) (.{16})\r\n__exception__\r\n\Z", re.DOTALL)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClickHouseProcess]:
    options = ["--send-timeout-seconds", "2"]
    process = ClickHouseProcess(tmp_path_factory.mktemp("clickhouse") / "data", free_pair(), *options)
    try:
        yield process.ready()
    finally:
        process.kill()


def ask(server: ClickHouseProcess, sql: str) -> http.client.HTTPResponse:
    """Send a query as the reader; the answer is read by the caller."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    connection.request("POST", "/", body=sql)
    return connection.getresponse()


def resident_mib(server: ClickHouseProcess) -> int:
    status = Path(f"/proc/{server.pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) >> 10


@pytest.mark.parametrize(
    ("name", "lines", "first"),
    [
        ("CSVWithNames", ROWS + 1, b'"n","s"'),
        ("CSVWithNamesAndTypes", ROWS + 2, b'"n","s"'),
        ("TSVWithNames", ROWS + 1, b"n\ts"),
        ("TabSeparatedRawWithNamesAndTypes", ROWS + 2, b"n\ts"),
        ("CustomSeparatedWithNames", ROWS + 1, b"n\ts"),
        ("JSONEachRow", ROWS, b'{"n":0,"s":"a"}'),
        ("JSONCompactEachRowWithNames", ROWS + 1, b'["n", "s"]'),
        ("JSONStringsEachRow", ROWS, b'{"n":"0","s":"a"}'),
        ("Values", 1, b"(0,'a'),(1,'a')"),
        ("Markdown", ROWS + 2, b"| n | s |"),
        ("TSKV", ROWS, b"n=0\ts=a"),
    ],
)
def test_text_is_one_output_with_one_head(server: ClickHouseProcess, name: str, lines: int, first: bytes) -> None:
    answer = ask(server, f"{SQL} FORMAT {name}")
    assert answer.headers["Transfer-Encoding"] == "chunked"
    data = answer.read()
    assert data.split(b"\n")[0].startswith(first)
    assert len(data.splitlines()) == lines


@pytest.mark.parametrize("name", ["JSON", "JSONCompact", "JSONColumnsWithMetadata", "JSONStrings"])
def test_json_is_one_document_with_its_totals_and_rows(server: ClickHouseProcess, name: str) -> None:
    sql = "SELECT n % 2 AS g, count() AS c FROM (" + SQL + ") GROUP BY g WITH TOTALS ORDER BY g"
    small = json.loads(ask(server, f"{sql} FORMAT {name}").read())
    assert (small["rows"], len(small["meta"])) == (2, 2)
    assert json.loads(ask(server, f"{SQL} FORMAT {name}").read())["rows"] == ROWS


def test_columnar_formats_are_one_file(server: ClickHouseProcess) -> None:
    parquet = io.BytesIO(ask(server, f"{SQL} FORMAT Parquet").read())
    assert pyarrow.parquet.read_table(parquet).num_rows == ROWS
    with pyarrow.ipc.open_stream(ask(server, f"{SQL} FORMAT ArrowStream").read()) as reader:
        assert reader.read_all().num_rows == ROWS
    with pyarrow.ipc.open_file(ask(server, f"{SQL} FORMAT Arrow").read()) as file:
        assert file.read_all().num_rows == ROWS


def test_extremes_and_other_statements_than_select_are_answered(server: ClickHouseProcess) -> None:
    found = json.loads(ask(server, "SELECT number FROM numbers(5) SETTINGS extremes = 1 FORMAT JSON").read())
    assert found["extremes"]["max"]["number"] in (4, "4")
    others = ("SHOW DATABASES", "DESCRIBE system.one", "EXPLAIN SELECT 1", "EXISTS system.one", "SHOW FUNCTIONS")
    for sql in others:
        assert ask(server, f"{sql} FORMAT JSON").status == 200
    assert ask(server, "FROM numbers(2) SELECT number ORDER BY number FORMAT TSV").read() == b"0\n1\n"
    assert ask(server, "(SELECT 1) UNION ALL (SELECT 1) FORMAT TSV SETTINGS max_threads = 1").read() == b"1\n1\n"
    assert ask(server, "SELECT format FROM (SELECT 1 AS format) FORMAT TSV").read() == b"1\n"
    assert ask(server, "SELECT 1 AS g, count() GROUP BY g WITH TOTALS FORMAT TSV").read() == b"1\t1\n\n1\t1\n"


@pytest.mark.parametrize("name", ["CSVWithNames", "JSON", "JSONEachRow", "Parquet", "TSV", "Native", "RowBinary"])
def test_more_than_512_mib_are_streamed_with_little_memory(server: ClickHouseProcess, name: str) -> None:
    sql = "SELECT randomPrintableASCII(1000) AS s FROM numbers(700000) SETTINGS max_block_size = 8192"
    answer = ask(server, f"{sql} FORMAT {name}")
    before, size, most = resident_mib(server), 0, 0
    while piece := answer.read(1 << 22):
        size += len(piece)
        most = max(most, resident_mib(server))
    assert size > 512 << 20
    assert most < before + 500


@pytest.mark.parametrize("name", ["JSONEachRow", "TSV", "CSV"])
def test_a_slow_query_shows_its_first_rows_before_it_ends(server: ClickHouseProcess, name: str) -> None:
    sql = f"SELECT number, sleepEachRow(0.1) FROM numbers(300) SETTINGS max_block_size = 1 FORMAT {name}"
    answer = ask(server, sql)
    assert b"0" in answer.read(12)
    assert server.ask("SELECT count() FROM system.processes WHERE query LIKE '%sleepEachRow(0.1)%'").data >= b"2\n"
    answer.close()


def test_a_client_that_leaves_ends_its_query_in_any_format(server: ClickHouseProcess) -> None:
    for name in ("JSON", "CSVWithNames", "Native"):
        answer = ask(server, f"SELECT number, repeat('x', 1000) FROM numbers(1000000000000) FORMAT {name}")
        answer.read(1000)
        answer.close()
        until(lambda: server.ask(ENDLESS).data == b"0\n", 20, "the query is cancelled")
    assert list((server.path / "spool").iterdir()) == []


@pytest.mark.parametrize("name", ["CSV", "JSON", "Native"])
def test_the_length_in_the_exception_frame_counts_the_line_end_too(server: ClickHouseProcess, name: str) -> None:
    sql = "SELECT number, throwIf(number = 2000000) FROM numbers(3000000) SETTINGS max_block_size = 10000"
    answer = ask(server, f"{sql} FORMAT {name}")
    tag = answer.headers["X-ClickHouse-Exception-Tag"].encode()
    with pytest.raises(http.client.IncompleteRead) as caught:
        answer.read()
    end = FRAME.search(caught.value.partial)
    assert end is not None
    assert (end[1], int(end[3]), end[4]) == (tag, len(end[2]), tag)
    assert end[2].startswith(b"Code: 395. DB::Exception: ")


def test_an_error_before_the_first_row_has_a_status_in_any_format(server: ClickHouseProcess) -> None:
    rows = "SELECT number FROM numbers(3) SETTINGS output_format_json_array_of_rows = 1 FORMAT JSONEachRow"
    assert [int(row["number"]) for row in json.loads(ask(server, rows).read())] == [0, 1, 2]
    for name in ("JSON", "Parquet", "Native", "Pretty"):
        answer: Any = ask(server, f"SELECT throwIf(number = 10) FROM numbers(100) FORMAT {name}")
        assert (answer.status, answer.headers["X-ClickHouse-Exception-Code"]) == (500, "395")
        assert answer.read().startswith(b"Code: 395. DB::Exception: ")
