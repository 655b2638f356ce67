"""Tables that are sent with a request: read as ClickHouse reads them, with the request's settings."""

import gzip
from collections.abc import Iterator
from typing import Any

import pytest

from streams.embedded.ports import free_pair
from tests.support.clickhouse_http import ClickHouseProcess


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClickHouseProcess]:
    process = ClickHouseProcess(tmp_path_factory.mktemp("clickhouse") / "data", free_pair())
    try:
        yield process.ready()
    finally:
        process.kill()


def read(server: ClickHouseProcess, sql: str | bytes = b"", **options: Any) -> Any:
    return server.ask(sql, user="reader", **options)


def code(got: Any) -> str:
    return str(got.headers.get("X-ClickHouse-Exception-Code", ""))


def form(*parts: tuple[str, bytes], boundary: str = "xx") -> dict[str, Any]:
    """Return the options of a multipart request; each part's head is the rest of its Content-Disposition."""
    body = b"".join(
        f"--{boundary}\r\nContent-Disposition: form-data; {head}\r\n\r\n".encode() + data + b"\r\n"
        for head, data in parts
    )
    kind = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
    return {"sql": body + f"--{boundary}--\r\n".encode(), "headers": kind}


def test_settings_of_the_request_reach_external_data_so_it_has_1_row(server: ClickHouseProcess) -> None:
    parameters = {
        "format_csv_delimiter": "|",
        "query": "SELECT count(), any(y) FROM f",
        "f_structure": "x String, y String",
        "f_format": "CSV",
    }
    assert read(server, **form(('name="f"; filename="e.csv"', b"a|b\n")), parameters=parameters).data == b"1\tb\n"


def test_a_table_with_an_empty_file_name_is_a_table(server: ClickHouseProcess) -> None:
    parameters = {"query": "SELECT * FROM ext1", "ext1_structure": "a UInt8", "ext1_format": "TSV"}
    assert read(server, **form(('name="ext1"; filename=""', b"1")), parameters=parameters).data == b"1\n"


def test_structure_as_a_field_of_the_form_is_1_x(server: ClickHouseProcess) -> None:
    parts = [
        ('name="query"', b"SELECT *, {p:String} FROM f"),
        ('name="f_structure"', b"a UInt8, b String"),
        ('name="param_p"', b"z"),
        ('name="default_format"', b"CSV"),
        ('name="max_threads"', b"1"),
        ('name="other_format"', b"TSV"),
        ('name="f"; filename="f.tsv"', b"1\tx\n"),
    ]
    assert read(server, **form(*parts)).data == b'1,"x","z"\n'


def test_types_of_external_data_may_have_commas_of_their_own(server: ClickHouseProcess) -> None:
    parameters = {"query": "SELECT _1, _2, toTypeName(_1) FROM f", "f_types": "Decimal(10, 2),Tuple(UInt8, String)"}
    got = read(server, **form(('name="f"; filename="f"', b"1.5\t(1,'a')\n")), parameters=parameters)
    assert got.data == b"1.5\t(1,'a')\tDecimal(10, 2)\n"


def test_two_external_tables_in_a_compressed_form_are_joined(server: ClickHouseProcess) -> None:
    sent = form(('name="f"; filename="f"', b"1\n2\n"), ('name="g"; filename="g"', b"2\n"))
    sent["headers"]["Content-Encoding"] = "gzip"
    parameters = {"query": "SELECT a FROM f JOIN g USING a", "f_structure": "a UInt8", "g_structure": "a UInt8"}
    assert read(server, gzip.compress(sent["sql"]), headers=sent["headers"], parameters=parameters).data == b"2\n"


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({"f_structure": ""}, "36"),
        ({"f_structure": "a UInt8", "f_format": "Nope"}, "73"),
        ({"f_structure": "a UInt8", "f_format": "CSV; SET ROLE writer; DROP TABLE x"}, "73"),
        ({"f_structure": "a UInt8", "f_format": "Native"}, "32"),
        ({"f_structure": "a UInt8", "readonly": "0"}, "164"),
    ],
)
def test_external_data_that_can_not_be_read_is_refused(
    server: ClickHouseProcess, parameters: dict[str, str], expected: str
) -> None:
    sent = {"query": "SELECT count() FROM f", **parameters}
    assert code(read(server, **form(('name="f"; filename="f"', b"1\n")), parameters=sent)) == expected
