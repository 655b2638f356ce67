"""The two data sources: SQL over ClickHouse's HTTP interface as `reader`, PromQL over Prometheus' HTTP interface."""

import threading
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError

from dashboards.expand import Value, expand, expand_promql
from dashboards.observers import DIRECT
from dashboards.preview.frames import TIME_SERIES, Frame, from_clickhouse, from_prometheus
from streams.clickhouse.client import connect
from streams.errors import UserError
from streams.settings import Settings

# Far above the longest query of a dashboard on the demo's data.
REQUEST_SECONDS = 30
CLICKHOUSE, PROMETHEUS = "grafana-clickhouse-datasource", "prometheus"


@dataclass(frozen=True)
class Span:
    """A time range (ms since the epoch) and the interval (s) into which a panel's width divides it."""

    start: int
    stop: int
    interval_seconds: int = 1


class QueryError(Exception):
    """A failed query; the text is the server's, or says what is wrong with the target."""


class Sources:
    """Runs targets. Safe to share between threads."""

    def __init__(self, settings: Settings, prometheus_url: str | None, scrape_seconds: int = 1) -> None:
        self._settings = settings
        self._prometheus_url = prometheus_url
        self._scrape_seconds = scrape_seconds
        self._client: Client | None = None
        self._lock = threading.Lock()

    def run(self, target: Mapping[str, Any], span: Span, variables: Mapping[str, Value]) -> list[Frame]:
        """Return the frames of a panel's target. Raises QueryError."""
        ref_id = str(target.get("refId", "A"))
        kind = (target.get("datasource") or {}).get("type")
        try:
            if kind == CLICKHOUSE:
                names, types, columns = self.sql(str(target.get("rawSql", "")), span, variables)
                return from_clickhouse(ref_id, names, types, columns, int(target.get("format", TIME_SERIES)))
            if kind == PROMETHEUS:
                return self._promql(ref_id, target, span, variables)
        except (ValueError, ClickHouseError, UserError) as error:
            raise QueryError(str(error)) from error
        raise QueryError(f"not drawn here: queries of the data source {kind}")

    def sql(
        self, text: str, span: Span, variables: Mapping[str, Value]
    ) -> tuple[list[str], list[str], list[list[Any]]]:
        """Return column names, types and columns of a query with macros and variables.

        Raises ValueError for what can't be expanded, ClickHouseError and UserError.
        """
        expanded = expand(
            text, start=span.start, stop=span.stop, interval_seconds=span.interval_seconds, variables=variables
        )
        result = self._clickhouse().query(expanded)
        columns = [list(column) for column in result.result_columns] or [[] for _ in result.column_names]
        return list(result.column_names), [kind.name for kind in result.column_types], columns

    def label_values(self, label: str, metric: str | None, span: Span) -> list[str]:
        """Return a label's values in Prometheus, of one metric or all. Raises QueryError."""
        asked = {"start": span.start / 1000, "end": span.stop / 1000} | ({"match[]": metric} if metric else {})
        return [str(value) for value in self._prometheus(f"/api/v1/label/{label}/values", asked)]

    def _promql(
        self, ref_id: str, target: Mapping[str, Any], span: Span, variables: Mapping[str, Value]
    ) -> list[Frame]:
        written = str(target.get("expr", ""))
        expr = expand_promql(
            written,
            interval_seconds=span.interval_seconds,
            range_seconds=max(1, (span.stop - span.start) // 1000),
            scrape_seconds=self._scrape_seconds,
            variables=variables,
        )
        legend = str(target.get("legendFormat") or "")
        result_format = str(target.get("format") or "time_series")
        frames: list[Frame] = []
        if target.get("instant"):
            data = self._prometheus("/api/v1/query", {"query": expr, "time": span.stop / 1000})
            frames += from_prometheus(ref_id, data, legend, result_format, written)
        if target.get("range") or not target.get("instant"):
            step = span.interval_seconds
            # As in Grafana, the range's ends are multiples of the step, so a refresh doesn't move the points.
            begin, end = (ms // 1000 // step * step for ms in (span.start, span.stop))
            asked = {"query": expr, "start": begin, "end": end, "step": step}
            data = self._prometheus("/api/v1/query_range", asked)
            frames += from_prometheus(ref_id, data, legend, result_format, written)
        return frames

    def _prometheus(self, path: str, asked: Mapping[str, Any]) -> Any:
        if self._prometheus_url is None:
            raise QueryError("not drawn here: no Prometheus was given")
        url = f"{self._prometheus_url}{path}?{urllib.parse.urlencode(asked)}"
        try:
            with DIRECT.open(url, timeout=REQUEST_SECONDS) as response:
                return orjson.loads(response.read())["data"]
        except urllib.error.HTTPError as error:
            raise QueryError(_said(error)) from error
        except OSError as error:
            raise QueryError(f"Prometheus can't be reached at {self._prometheus_url}: {error}") from error

    def _clickhouse(self) -> Client:
        with self._lock:
            if self._client is None:
                client = connect(self._settings, "reader")
                # As in the provisioned data source: the dashboards name no database.
                client.database = self._settings.clickhouse_database
                self._client = client
            return self._client


def _said(error: urllib.error.HTTPError) -> str:
    body = error.read()
    try:
        return str(orjson.loads(body)["error"])
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return f"Prometheus answers {error.code}: {body[:200].decode('utf-8', 'replace')}"
