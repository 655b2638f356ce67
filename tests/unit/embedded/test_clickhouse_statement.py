"""Where an INSERT's data begins, and which FORMAT a query names."""

import pytest

from streams.embedded.clickhouse.statement import is_insert, output_format, split_insert


@pytest.mark.parametrize(
    ("text", "sql", "name", "data"),
    [
        (b"INSERT INTO t FORMAT Native\n\x01\x02", "INSERT INTO t ", "Native", b"\x01\x02"),
        (b"INSERT INTO t FORMAT CSV \t\r\n1,2", "INSERT INTO t ", "CSV", b"1,2"),
        (b"INSERT INTO t FORMAT CSV\n\n1", "INSERT INTO t ", "CSV", b"\n1"),
        (
            b"insert into t (`format`) settings x = 'FORMAT' format TSV\n",
            "insert into t (`format`) settings x = 'FORMAT' ",
            "TSV",
            b"",
        ),
        (b"INSERT INTO t VALUES (1, 'FORMAT x')", "INSERT INTO t ", "Values", b" (1, 'FORMAT x')"),
        (b"INSERT INTO format VALUES (1)", "INSERT INTO format ", "Values", b" (1)"),
        (b"INSERT INTO d.values FORMAT CSV\n1", "INSERT INTO d.values ", "CSV", b"1"),
        (b"INSERT INTO TABLE values FORMAT CSV\n1", "INSERT INTO TABLE values ", "CSV", b"1"),
        (
            b"-- FORMAT a\nINSERT /* x */ INTO t FORMAT `JSONEachRow` {}",
            "-- FORMAT a\nINSERT /* x */ INTO t ",
            "JSONEachRow",
            b"{}",
        ),
    ],
)
def test_an_insert_is_split_where_its_data_begins(text: bytes, sql: str, name: str, data: bytes) -> None:
    insert = split_insert(text)
    assert insert is not None
    assert (insert.sql + insert.settings, insert.format, text[insert.data_at :]) == (sql, name, data)


def test_an_inserts_settings_are_split_off() -> None:
    insert = split_insert(b"INSERT INTO t (settings) SETTINGS a = 1, b = 'x' FORMAT CSV\n1")
    assert insert is not None
    assert (insert.sql, insert.settings) == ("INSERT INTO t (settings) ", "SETTINGS a = 1, b = 'x' ")
    insert = split_insert(b"INSERT INTO settings VALUES (1)")
    assert insert is not None
    assert (insert.sql, insert.settings) == ("INSERT INTO settings ", "")


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"SELECT 1 FORMAT CSV",
        b"INSERT INTO t SELECT 1",
        b"INSERT INTO t WITH 1 AS x SELECT x FORMAT CSV",
        b"INSERT INTO t FROM INFILE 'x' FORMAT CSV",
        b"INSERT INTO t (SELECT 1)",
        b"INSERT INTO t 'FORMAT CSV'",
        b"INSERT INTO t FORMAT",
    ],
)
def test_other_statements_are_not_split(text: bytes) -> None:
    assert split_insert(text) is None


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (b"SELECT 1", None),
        (b"SELECT 1 FORMAT JSON", "JSON"),
        (b"SELECT 1\n FORMAT Native", "Native"),
        (b"SELECT 1 FORMAT/**/JSON -- FORMAT CSV", "JSON"),
        (b"SELECT 1 FORMAT JSON SETTINGS max_threads = 1", "JSON"),
        (b"SELECT 1 SETTINGS max_threads = 1 FORMAT `JSON`;", "JSON"),
        (b"SELECT 'FORMAT JSON'", None),
        (b"SELECT a AS format FROM t", None),
        (b"SELECT (SELECT 1 FORMAT JSON)", None),
        (b"SELECT $$ FORMAT JSON $$", None),
        (b"SELECT 1 FORMAT", None),
    ],
)
def test_the_format_of_a_query_is_in_its_last_clause(text: bytes, name: str | None) -> None:
    assert output_format(text) == name


def test_an_insert_is_recognized_by_its_first_word() -> None:
    assert is_insert(b" /* x */ insert INTO t")
    assert not is_insert(b"'insert' SELECT 1")
    assert not is_insert(b"")


@pytest.mark.parametrize("piece", [b"/*", b"'", b"\"'", b"`", b"$a$ $b$", b"\\'", b"(", b"''\\"])
def test_scanning_takes_time_linear_in_the_text(piece: bytes) -> None:
    """Quadratic scanning would take minutes here and fail by the suite's timeout."""
    output_format(piece * (1_000_000 // len(piece)))
