"""A migrated database for one test on a running engine."""

from dataclasses import dataclass
from typing import Any

from clickhouse_connect.driver.client import Client

from streams.clickhouse.migrate import apply
from streams.paths import migrations_folder
from tests.support.clickhouse import Engine
from tests.support.flushes import WINDOW
from tests.support.rows import Filler


@dataclass(frozen=True)
class Database:
    """`put` writes base rows as the sink does; `reader` sees what analysts see."""

    name: str
    put: Filler
    reader: Client

    def rows(self, query: str, **parameters: Any) -> list[tuple[Any, ...]]:
        """Run a query as the analyst."""
        return [tuple(row) for row in self.reader.query(query, parameters=parameters).result_rows]


def migrated(engine: Engine, name: str) -> Database:
    """Create a database with the project's schema."""
    writer = engine.client("writer")
    apply(writer, migrations_folder(), name, WINDOW)
    return Database(name, Filler(writer, name), engine.client("reader", name))


def refresh(db: Database, *views: str) -> None:
    """Make the engine refresh its rollups now, and wait until it has."""
    for view in views or ("ledger_minutes_refresh", "users_refresh"):
        db.put.client.command(f"SYSTEM REFRESH VIEW {db.name}.{view}")
        db.put.client.command(f"SYSTEM WAIT VIEW {db.name}.{view}")
