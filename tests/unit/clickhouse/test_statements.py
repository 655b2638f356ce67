"""A SQL file is split at the semicolons that end its statements, and at no others."""

import re

import pytest

from streams.clickhouse.statements import UnclosedError, split
from streams.paths import migrations_folder

CASES = {
    "nothing": ("", []),
    "only comments": ("-- a;\n/* b; */ ;", []),
    "one without an end": ("SELECT 1", ["SELECT 1"]),
    "two": ("SELECT 1;\nSELECT 2;\n", ["SELECT 1", "SELECT 2"]),
    "empty ones": (";;SELECT 1;;", ["SELECT 1"]),
    "in a string": ("SELECT ';'; SELECT 2", ["SELECT ';'", "SELECT 2"]),
    "after a doubled quote": ("SELECT 'it''s; so'; SELECT 2", ["SELECT 'it''s; so'", "SELECT 2"]),
    "after a backslash": (r"SELECT 'it\'s; so'; SELECT 2", [r"SELECT 'it\'s; so'", "SELECT 2"]),
    "in a quoted name": ('SELECT `a;b`, "c;d"; SELECT 2', ['SELECT `a;b`, "c;d"', "SELECT 2"]),
    "in a comment": ("SELECT 1 -- one; two\n, 2; SELECT 3", ["SELECT 1  \n, 2", "SELECT 3"]),
    "a quote in a comment": ("SELECT 1 -- don't\n; SELECT 2", ["SELECT 1", "SELECT 2"]),
    "a comment in a string": ("SELECT '-- no'; SELECT '/* no */'", ["SELECT '-- no'", "SELECT '/* no */'"]),
    "a comment between words": ("SELECT/* x */1", ["SELECT 1"]),
    "minus and division": ("SELECT 1 - 2 / 3; SELECT -1", ["SELECT 1 - 2 / 3", "SELECT -1"]),
    "a comment at the end": ("SELECT 1; -- done", ["SELECT 1"]),
}


@pytest.mark.parametrize("name", CASES)
def test_statements_are_split(name: str) -> None:
    text, statements = CASES[name]
    assert split(text) == statements


@pytest.mark.parametrize("text", ["SELECT 'a", "SELECT 1;\nSELECT `a", "/* a", "SELECT 'a\\'"])
def test_an_unclosed_quote_or_comment_is_refused_with_its_line(text: str) -> None:
    with pytest.raises(UnclosedError, match=f"line {text.count(chr(10)) + 1} is never closed"):
        split(text)


def test_every_statement_of_the_projects_migrations_is_idempotent() -> None:
    for path in migrations_folder().glob("*.sql"):
        for statement in split(path.read_text()):
            assert re.match(
                r"CREATE OR REPLACE VIEW |CREATE (TABLE|DATABASE|MATERIALIZED VIEW) IF NOT EXISTS "
                r"|ALTER TABLE \S+\s+"
                r"(ADD (INDEX|COLUMN) IF NOT EXISTS|MATERIALIZE INDEX|MODIFY (QUERY|COLUMN)|COMMENT COLUMN)\s"
                r"|INSERT INTO [^;]*\binsert_deduplication_token = ",
                statement,
            )
