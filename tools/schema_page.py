"""Writes docs/reference/schema.md from the comments in a migrated database: `python -m tools.schema_page`."""

import re
import sys
import tempfile
import textwrap
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from clickhouse_connect.driver.client import Client

from streams.clickhouse.client import connect
from streams.clickhouse.migrate import apply
from streams.paths import migrations_folder
from streams.settings import Settings
from tests.support.clickhouse import running_engine

PAGE = Path(__file__).resolve().parents[1] / "docs" / "reference" / "schema.md"
WIDTH = 120
# What a number counts or measures; an index names a place and is not an amount.
UNITS = {
    *("impressions", "lines", "flushes", "attempts", "artworks", "users", "pools", "days", "weeks"),
    *("ms", "bytes", "share, 0 to 1", "USD", "index", "as the column unit says"),
}
CLOCKS = {
    "device": "the user's device: right only if its owner set it right",
    "broker": "Kafka's broker, as it appended the record; within a partition it hardly ever goes back",
    "worker": "the worker that decided",
    "broker to worker": "the time between the two, so a difference between their clocks is in it",
    "ClickHouse": "the server that computes the row or answers the query",
    "author": "whoever wrote the catalogue's record",
}
SECTIONS = {
    "Views to query": "impressions users cohorts daily_artworks user_coverage coverage_latest user_artworks"
    " artwork_users artworks ledger rejected client_families",
    "KPIs and what they are made from": "kpis kpi_delivery kpi_clients kpi_latency kpi_freshness"
    " kpi_duplicates_seen kpi_cost prices ledger_minutes",
    "Base tables": "impressions_raw user_artworks_raw artwork_users_raw ledger_raw rejected_raw artworks_raw"
    " ledger_minutes_raw users_raw prices_raw",
    "What keeps the schema and the rollups": "schema_migrations ledger_minutes_position ledger_minutes_refresh"
    " users_position users_refresh",
}
ROLLUP = "_refresh"
INTRODUCTION = """# The schema

For analysts: every table, view and column of the database `impressions`. Made by `make schemas` from the comments in
the database itself, where `DESCRIBE TABLE impressions` and the tooltips of most tools show them too.

An entry names the column, its type, its unit, whose clock a time is by, and its meaning. Query the views: they have
each event once. Base tables, whose names end in `_raw`, may hold a row twice for a while. All times are UTC. What the
words mean is in the [glossary](../glossary.md), and why two counts differ in the [FAQ](faq.md).

A column *not in `SELECT *`* is another name for a column beside it: ask for it by name. `appended_at` is the append
time in every view, whatever else the view calls it ([decision 0018](../decisions/0018-one-name-for-one-moment.md)).

Clocks:

{clocks}
An *index* is a number that names a place, such as an offset, and is not an amount.
"""


@dataclass(frozen=True, slots=True)
class Column:
    """A column as the database describes it."""

    table: str
    name: str
    type: str
    comment: str
    is_alias: bool

    @property
    def meaning(self) -> str:
        """The comment without its brackets."""
        return _split(self.comment)[0]

    @property
    def unit(self) -> str:
        """The unit in the comment's brackets; empty: none."""
        return _split(self.comment)[1]

    @property
    def clock(self) -> str:
        """The clock in the comment's brackets; empty: none."""
        return _split(self.comment)[2]


@dataclass(frozen=True, slots=True)
class Schema:
    """The comments of all tables and views by name, and all columns in their order."""

    comments: dict[str, str]
    columns: tuple[Column, ...]

    def of(self, table: str) -> tuple[Column, ...]:
        """Return a table's columns."""
        return tuple(column for column in self.columns if column.table == table)


def _split(comment: str) -> tuple[str, str, str]:
    """Return a comment's meaning, unit and clock: of `length [bytes]`, `when [clock: x]`, `time [ms, clock: x]`."""
    found = re.fullmatch(r"(.*) \[(.*?)(?:(?:, )?clock: (.*))?\]", comment)
    return (comment, "", "") if found is None else (found[1], found[2], found[3] or "")


def read(client: Client, database: str) -> Schema:
    """Return the schema of a migrated database."""
    known = {"db": database}
    tables = "SELECT name, comment FROM system.tables WHERE database = {db:String} ORDER BY name"
    columns = (
        "SELECT table, name, type, comment, default_kind = 'ALIAS' FROM system.columns WHERE database = {db:String}"
        " ORDER BY table, position"
    )
    return Schema(
        {name: comment for name, comment in client.query(tables, parameters=known).result_rows},
        tuple(
            Column(table, name, kind, comment, bool(is_alias))
            for table, name, kind, comment, is_alias in client.query(columns, parameters=known).result_rows
        ),
    )


def page(schema: Schema) -> str:
    """Return the page: the same text for the same comments. Raises ValueError for a table without a section."""
    missing = set(schema.comments) ^ {name for names in SECTIONS.values() for name in names.split()}
    if missing:
        raise ValueError(f"SECTIONS and the database differ by {', '.join(sorted(missing))}.")
    clocks = "".join(f"- *{name}*: {whose}\n" for name, whose in CLOCKS.items())
    parts = [INTRODUCTION.format(clocks=clocks)]
    for title, names in SECTIONS.items():
        parts.append(f"## {title}\n")
        parts += ["\n".join([*_table(schema, name), ""]) for name in names.split()]
    return "\n".join(parts)


def _table(schema: Schema, name: str) -> Iterator[str]:
    yield f"### {name}\n"
    yield _wrapped(f"{schema.comments[name]}.")
    yield ""
    if name.endswith(ROLLUP):
        target = f"{name.removesuffix(ROLLUP)}_raw"
        yield f"Its columns are those of [{target}](#{target})."
    else:
        yield from _entries(schema.of(name))


def _entries(columns: Iterable[Column]) -> Iterator[str]:
    for column in columns:
        facts = [f"`{column.type}`"]
        facts += [f"unit: {column.unit}"] if column.unit else []
        facts += [f"clock: {column.clock}"] if column.clock else []
        facts += ["not in `SELECT *`"] if column.is_alias else []
        yield _wrapped(f"- `{column.name}` ({'; '.join(facts)}): {column.meaning}")


def _wrapped(text: str) -> str:
    indent = "  " if text.startswith("- ") else ""
    return textwrap.fill(text, WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)


def main() -> None:
    """Start an engine, migrate a database in it, and write the page."""
    with tempfile.TemporaryDirectory() as folder, running_engine(Path(folder)) as engine:
        client = connect(engine.settings())
        apply(client, migrations_folder(), "impressions", Settings().window_ms)
        PAGE.write_text(page(read(client, "impressions")))
    sys.stdout.write(f"{PAGE}\n")


if __name__ == "__main__":
    main()
