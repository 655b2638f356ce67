"""A dashboard's JSON: its panels, its variables with their chosen values, and its time range."""

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
from clickhouse_connect.driver.exceptions import ClickHouseError

from dashboards.expand import ALL, Everything, Value
from dashboards.preview.sources import CLICKHOUSE, QueryError, Sources, Span
from streams.errors import UserError

FOLDER = Path(__file__).resolve().parents[1] / "grafana" / "dashboards"

_UNIT_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_LABEL_VALUES = re.compile(r"^label_values\((?:(?P<metric>.+),)?\s*(?P<label>\w+)\s*\)$", re.DOTALL)


@dataclass
class Variable:
    """A resolved variable: its value for queries, and what the page shows."""

    name: str
    label: str
    type: str
    hidden: bool
    value: Value
    text: str
    error: str | None = None
    options: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """Return the JSON for the page."""
        values = [self.value] if isinstance(self.value, str) else list(self.value)
        if isinstance(self.value, Everything):
            values = [ALL]
        kept = {"name": self.name, "label": self.label, "type": self.type, "hidden": self.hidden, "text": self.text}
        return kept | {"values": values} | ({"error": self.error} if self.error else {})


def load(folder: Path) -> dict[str, dict[str, Any]]:
    """Return a folder's dashboards by uid, in order of their files. Raises UserError if it holds none."""
    found = [orjson.loads(path.read_bytes()) for path in sorted(folder.glob("*.json"))]
    if not found:
        raise UserError(f"There is no dashboard in {folder}: write them with `python -m dashboards.source`.")
    return {dashboard["uid"]: dashboard for dashboard in found}


def panels(dashboard: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return every panel, including those of collapsed rows, each with an id."""
    flat = [panel for outer in dashboard.get("panels", []) for panel in (outer, *(outer.get("panels") or []))]
    taken = {panel.get("id") for panel in flat}
    for number, panel in enumerate(flat, 1):
        if panel.get("id") is None:
            panel["id"] = next(free for free in range(number, number + len(flat) + 1) if free not in taken)
            taken.add(panel["id"])
    return flat


def sections(dashboard: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the rows that are closed until someone opens them."""
    return [panel for panel in dashboard.get("panels", []) if panel.get("collapsed")]


def span_of(dashboard: Mapping[str, Any], asked: Mapping[str, list[str]]) -> Span:
    """Return the time range in a page's address, else the dashboard's own. Raises ValueError."""
    own = dashboard.get("time") or {"from": "now-1h", "to": "now"}
    now = int(time.time() * 1000)
    start, stop = (_moment((asked.get(name) or [own[name]])[0], now) for name in ("from", "to"))
    if start >= stop:
        raise ValueError("The time range is empty: from must be before to.")
    interval_ms = int((asked.get("interval_ms") or ["1000"])[0])
    return Span(start, stop, max(1, round(interval_ms / 1000)))


def _moment(text: str, now_ms: int) -> int:
    if text.isdigit():
        return int(text)
    relative = re.fullmatch(r"now(?:-(\d+)([smhdw]))?(?:/\w)?", text)
    if relative is None:
        raise ValueError(f"{text!r} is no time: ms since the epoch, now, or like now-6h.")
    back = int(relative[1]) * _UNIT_SECONDS[relative[2]] if relative[1] else 0
    return now_ms - back * 1000


def resolve(
    dashboard: Mapping[str, Any], sources: Sources, span: Span, asked: Mapping[str, list[str]]
) -> dict[str, Variable]:
    """Return the variables by name: chosen by `var-NAME` in the address, else as the dashboard sets them.

    Each may use those before it. If a variable's query fails, it reports that and has no options.
    """
    made: dict[str, Variable] = {}
    for declared in (dashboard.get("templating") or {}).get("list") or []:
        values = {name: variable.value for name, variable in made.items()}
        variable = _resolve(declared, asked.get(f"var-{declared['name']}"), sources, span, values)
        made[variable.name] = variable
    return made


def _resolve(
    declared: Mapping[str, Any],
    asked: list[str] | None,
    sources: Sources,
    span: Span,
    values: Mapping[str, Value],
) -> Variable:
    kind, error, options = declared["type"], None, []
    try:
        options = _options(declared, sources, span, values)
    except (QueryError, ValueError, ClickHouseError, UserError) as failure:
        error = str(failure)
    chosen = asked if asked is not None else _listed((declared.get("current") or {}).get("value"))
    if not chosen and kind in ("textbox", "constant"):
        chosen = [str(declared.get("query") or "")]
    if not chosen and kind != "datasource":
        chosen = [ALL] if declared.get("includeAll") else options[:1]
    all_value = declared.get("allValue") or None
    value: Value
    if declared.get("includeAll") and chosen in ([ALL], ["All"]):
        value, text = Everything(options, all_value), "All"
    elif declared.get("multi"):
        value, text = chosen, " + ".join(chosen)
    else:
        value = text = chosen[0] if chosen else ""
    hidden = declared.get("hide") in (2, "hideVariable") or kind == "datasource"
    return Variable(
        declared["name"], declared.get("label") or declared["name"], kind, hidden, value, text, error, options
    )


def _listed(value: Any) -> list[str]:
    if value is None or value in ("", []):
        return []
    return [str(each) for each in value] if isinstance(value, list) else [str(value)]


def _options(declared: Mapping[str, Any], sources: Sources, span: Span, values: Mapping[str, Value]) -> list[str]:
    kind, query = declared["type"], declared.get("query")
    if kind in ("custom", "interval"):
        written = [part.strip() for part in str(query or "").split(",")]
        return [part.rpartition(" : ")[2] for part in written if part]
    if kind != "query":
        return []
    if (declared.get("datasource") or {}).get("type") == CLICKHOUSE:
        text = query.get("rawSql", "") if isinstance(query, dict) else str(query)
        _, _, columns = sources.sql(text, span, values)
        found = [str(value) for value in (columns[0] if columns else [])]
    else:
        text = query.get("query", "") if isinstance(query, dict) else str(query)
        wanted = _LABEL_VALUES.match(text.strip())
        if wanted is None:
            raise QueryError(f"not resolved here: {text}")
        found = sources.label_values(wanted["label"], wanted["metric"], span)
    pattern = str(declared.get("regex") or "").strip("/")
    matching = [value for value in found if not pattern or re.search(pattern, value)]
    return sorted(matching) if declared.get("sort") == 1 else matching
