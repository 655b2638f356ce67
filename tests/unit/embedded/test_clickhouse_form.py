"""Multipart forms as ClickHouse reads them, and only within bounds."""

import pytest

from streams.embedded.clickhouse.errors import ClickHouseError
from streams.embedded.clickhouse.form import read_form

TYPE = "multipart/form-data; boundary=xx"


def part(head: str, data: bytes) -> bytes:
    return b"--xx\r\n" + head.encode() + b"\r\n\r\n" + data + b"\r\n"


FIELD = 'Content-Disposition: form-data; name="query"'
FILE = 'Content-Disposition: form-data; name="t"; filename=""\r\nContent-Type: application/octet-stream'


def test_a_part_with_an_empty_file_name_is_a_table() -> None:
    form = read_form(part(FIELD, b"SELECT 1") + part(FILE, b"1\r\n--x\r\n") + b"--xx--\r\n", TYPE)
    assert (form.fields, form.files) == ({"query": "SELECT 1"}, [("t", b"1\r\n--x\r\n")])


@pytest.mark.parametrize(
    ("head", "name"),
    [
        ("content-disposition:form-data;name=t;filename=e.csv", "t"),
        ('Content-Disposition: form-data; filename="a;b.csv"; name="t"', "t"),
        ('X-Other: 1\r\nContent-Disposition: form-data;\r\n name="t"; filename="e"', "t"),
        ("Content-Disposition: form-data; name=\"t\"; filename*=UTF-8''e.csv", "t"),
        ('Content-Disposition: form-data; name="täble"; filename="e"', "täble"),
    ],
)
def test_headers_of_a_file_are_read_as_clients_write_them(head: str, name: str) -> None:
    assert read_form(part(head, b"\x00\xff") + b"--xx--", TYPE).files == [(name, b"\x00\xff")]


def test_a_preamble_an_empty_part_and_a_part_without_a_name_are_skipped() -> None:
    body = b"hello\r\n" + part("X: y", b"") + b"--xx\r\n\r\nno head\r\n" + part(FILE, b"") + b"--xx--\r\nthe end"
    assert read_form(body, 'multipart/form-data; boundary="xx"; charset=utf-8').files == [("t", b"")]


@pytest.mark.parametrize(
    ("body", "content_type", "code"),
    [
        (b"", TYPE, 33),
        (b"no boundary", TYPE, 33),
        (part(FILE, b"1"), TYPE, 33),
        (b"--xx", TYPE, 33),
        (b"--xx\r\n" + FILE.encode(), TYPE, 33),
        (part(FILE, b"1") + b"--xx--", "multipart/form-data", 36),
        (part(FIELD, b"") * 1001 + b"--xx--", TYPE, 307),
        (part("X: " + "y" * 70_000, b"") + b"--xx--", TYPE, 307),
    ],
)
def test_what_is_no_form_or_too_large_is_refused(body: bytes, content_type: str, code: int) -> None:
    with pytest.raises(ClickHouseError) as caught:
        read_form(body, content_type)
    assert caught.value.code == code
