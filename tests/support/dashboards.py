"""The committed dashboards: their panels, queries and variables."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from dashboards.expand import Everything, Value
from dashboards.source.__main__ import FOLDER
from dashboards.source.queries import CLICKHOUSE_TYPE

DASHBOARDS: dict[str, dict[str, Any]] = {
    path.stem: json.loads(path.read_text()) for path in sorted(FOLDER.glob("*.json"))
}


@dataclass(frozen=True, slots=True)
class Query:
    """A target of a dashboard's panel."""

    uid: str
    panel: dict[str, Any]
    target: dict[str, Any]

    def __str__(self) -> str:
        return f"{self.uid.removeprefix('impressions-')}: {self.panel['title']}, {self.target['refId']}"

    @property
    def name(self) -> tuple[str, str]:
        """The dashboard's uid and the panel's title."""
        return self.uid, self.panel["title"]


def panels(dashboard: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return a dashboard's panels, those of closed sections too, without its row headings."""
    found = [panel for outer in dashboard["panels"] for panel in (outer, *outer.get("panels", []))]
    return [panel for panel in found if panel["type"] != "row"]


def variables(dashboard: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return a dashboard's variables by name."""
    return {variable["name"]: variable for variable in dashboard["templating"]["list"]}


def _queries() -> Iterator[Query]:
    for uid, dashboard in DASHBOARDS.items():
        for panel in panels(dashboard):
            yield from (Query(uid, panel, target) for target in panel["targets"])


QUERIES = list(_queries())
SQL = [query for query in QUERIES if query.target["datasource"]["type"] == CLICKHOUSE_TYPE]
PROMQL = [query for query in QUERIES if query not in SQL]


def as_opened(uid: str, **values: tuple[str, ...]) -> dict[str, Value]:
    """Return a dashboard's variables as they are on opening: everything that `values` offers, and empty text."""
    return {
        name: Everything(values.get(name, ("a", "b"))) if variable["type"] == "query" else ""
        for name, variable in variables(DASHBOARDS[uid]).items()
        if variable["type"] != "datasource"
    }
