"""The demo's database after the demo was played, queried for panels as Grafana's plugin does."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from clickhouse_connect.driver.client import Client

from dashboards.expand import Value, expand
from streams.settings import Settings
from tests.support.dashboards import DASHBOARDS, Query, as_opened, variables

DAY, MINUTE = 86_400_000, 60_000
SPAN_OF_USER = 2 * DAY
NOTHING: Mapping[str, Value] = {}


@dataclass(frozen=True)
class Played:
    """The demo's database as an analyst reads it, and the time range in which its records arrived (ms since the
    epoch)."""

    settings: Settings
    reader: Client
    writer: Client
    start: int
    stop: int

    def variables(self, uid: str, chosen: Mapping[str, Value]) -> dict[str, Value]:
        """A dashboard's variables, each set to everything it offers except those in `chosen`."""
        return {**as_opened(uid, **{name: tuple(self.options(uid, name)) for name in queried(uid)}), **chosen}

    def options(self, uid: str, name: str) -> list[str]:
        """The values that a query variable offers."""
        sql = variables(DASHBOARDS[uid])[name]["query"]["rawSql"]
        expanded = expand(sql, start=self.start, stop=self.stop, interval_seconds=1, variables={})
        return [row[0] for row in self.rows(expanded)]

    def expanded(self, query: Query, seconds: int = 1, chosen: Mapping[str, Value] = NOTHING) -> str:
        """A panel's SQL as the plugin sends it; the user timeline's range also covers the days on which the user
        looked."""
        start = self.start - (SPAN_OF_USER if query.uid == "impressions-user" else 0)
        values = self.variables(query.uid, chosen)
        return expand(query.target["rawSql"], start=start, stop=self.stop, interval_seconds=seconds, variables=values)

    def ask(self, query: Query, seconds: int = 1, chosen: Mapping[str, Value] = NOTHING) -> list[dict[str, Any]]:
        """A panel's rows."""
        return list(self.reader.query(self.expanded(query, seconds, chosen)).named_results())

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """The rows of any SQL query."""
        return [tuple(row) for row in self.reader.query(sql).result_rows]


def queried(uid: str) -> list[str]:
    return [name for name, variable in variables(DASHBOARDS[uid]).items() if variable["type"] == "query"]
