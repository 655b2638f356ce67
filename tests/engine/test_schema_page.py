"""The database explains itself: every table, view and column has a comment, and the page of the schema shows them."""

import re
from collections.abc import Iterator

import pytest

from tests.support.clickhouse import running_engine
from tests.support.database import migrated
from tools import schema_page
from tools.schema_page import CLOCKS, UNITS, Column, Schema

NUMBER = re.compile(r"(Nullable\()?(U?Int\d+|Float\d+)\b")
TIME = re.compile(r"(Nullable\()?Date")


@pytest.fixture(scope="module")
def schema(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Schema]:
    with running_engine(tmp_path_factory.mktemp("schema")) as engine:
        db = migrated(engine, "impressions")
        yield schema_page.read(db.put.client, db.name)


def named(columns: Iterator[Column]) -> list[str]:
    return [f"{column.table}.{column.name}: {column.comment}" for column in columns]


def test_the_page_matches_the_database(schema: Schema) -> None:
    assert schema_page.PAGE.read_text() == schema_page.page(schema), "run `make schemas`"


def test_every_table_and_view_has_a_comment(schema: Schema) -> None:
    assert len(schema.comments) > 30
    assert [name for name, comment in schema.comments.items() if not comment] == []


def test_every_column_has_a_comment(schema: Schema) -> None:
    assert len(schema.columns) > 300
    assert named(column for column in schema.columns if not column.meaning) == []


def test_every_number_has_a_unit_and_every_time_a_clock(schema: Schema) -> None:
    assert named(c for c in schema.columns if NUMBER.match(c.type) and c.unit not in UNITS) == []
    assert named(c for c in schema.columns if TIME.match(c.type) and c.clock not in CLOCKS) == []


def test_units_and_clocks_are_of_the_lists_and_each_is_used(schema: Schema) -> None:
    assert {column.unit for column in schema.columns} == {*UNITS, ""}
    assert {column.clock for column in schema.columns} == {*CLOCKS, ""}
    assert named(column for column in schema.columns if re.search(r"[\[\].]$", column.meaning)) == []


def test_the_same_column_of_a_base_table_and_its_view_has_the_same_unit_and_clock(schema: Schema) -> None:
    by_name = {(column.table, column.name): column for column in schema.columns}
    pairs = [(c, by_name.get((f"{c.table}_raw", c.name))) for c in schema.columns]
    found = [(view, base) for view, base in pairs if base is not None]
    assert len(found) > 80
    assert [view for view, base in found if (view.unit, view.clock) != (base.unit, base.clock)] == []


def test_a_rollups_columns_are_explained_as_those_of_its_table(schema: Schema) -> None:
    rollups = [name for name in schema.comments if name.endswith(schema_page.ROLLUP)]
    assert len(rollups) == 2
    for name in rollups:
        table = f"{name.removesuffix(schema_page.ROLLUP)}_raw"
        assert [(c.name, c.comment) for c in schema.of(name)] == [(c.name, c.comment) for c in schema.of(table)]


def test_a_table_without_a_section_is_refused(schema: Schema) -> None:
    more = Schema({**schema.comments, "new_view": "Something new"}, schema.columns)
    with pytest.raises(ValueError, match="differ by new_view"):
        schema_page.page(more)


@pytest.mark.parametrize(
    ("comment", "parts"),
    [
        ("length of the line [bytes]", ("length of the line", "bytes", "")),
        ("when it came [clock: broker]", ("when it came", "", "broker")),
        ("time [ms, clock: broker to worker]", ("time", "ms", "broker to worker")),
        ("active / users [share, 0 to 1]", ("active / users", "share, 0 to 1", "")),
        ("the user; empty: unknown", ("the user; empty: unknown", "", "")),
    ],
)
def test_a_comment_is_its_meaning_and_in_brackets_its_unit_and_clock(comment: str, parts: tuple[str, str, str]) -> None:
    column = Column("table", "column", "UInt8", comment, False)
    assert (column.meaning, column.unit, column.clock) == parts
