"""Targets of panels: SQL for the ClickHouse data source, and PromQL."""

from typing import Any, Self

from grafana_foundation_sdk.cog import plugins, runtime
from grafana_foundation_sdk.cog.variants import Dataquery
from grafana_foundation_sdk.models import common, prometheus
from grafana_foundation_sdk.models.prometheus import PromQueryFormat, QueryEditorMode

CLICKHOUSE_TYPE, PROMETHEUS_TYPE = "grafana-clickhouse-datasource", "prometheus"
# The plugin migrates queries of an older version when it opens them, and treats one without a version as the oldest.
PLUGIN_VERSION = "4.20.0"
TIME_SERIES, TABLE = 0, 1
_QUERY_TYPES = {TIME_SERIES: "timeseries", TABLE: "table"}
# The viewer chooses the data source: dashboards hold no uid.
CLICKHOUSE = common.DataSourceRef(type_val=CLICKHOUSE_TYPE, uid="${datasource}")
PROMETHEUS = common.DataSourceRef(type_val=PROMETHEUS_TYPE, uid="${prometheus}")


class ClickHouseQuery(Dataquery):
    """A query of the ClickHouse data source, for which the SDK has no model."""

    def __init__(self, raw_sql: str, form: int, ref_id: str = "") -> None:
        """`form` is TIME_SERIES (time, perhaps a string, numbers) or TABLE."""
        self.raw_sql = raw_sql
        self.form = form
        self.ref_id = ref_id
        self.datasource = CLICKHOUSE

    def to_json(self) -> dict[str, object]:
        """Return what the plugin stores."""
        return {
            "refId": self.ref_id,
            "datasource": self.datasource,
            "editorType": "sql",
            "queryType": _QUERY_TYPES[self.form],
            "format": self.form,
            "pluginVersion": PLUGIN_VERSION,
            "rawSql": self.raw_sql,
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """Return the query; keys that the plugin doesn't know are dropped."""
        return cls(data["rawSql"], data["format"], data["refId"])


Target = ClickHouseQuery | prometheus.Dataquery


def register() -> None:
    """Let the SDK read back dashboards with this query and its own panels."""
    plugins.register_default_plugins()
    runtime.register_dataquery_variant(runtime.DataqueryConfig(CLICKHOUSE_TYPE, ClickHouseQuery.from_json))


def series(sql: str) -> ClickHouseQuery:
    """Return a query of time series. Beside a string, name the number Value: Grafana omits that from series' names."""
    return ClickHouseQuery(_trimmed(sql), TIME_SERIES)


def rows(sql: str) -> ClickHouseQuery:
    """Return a query of rows as they are."""
    return ClickHouseQuery(_trimmed(sql), TABLE)


def metric(expr: str, legend: str) -> prometheus.Dataquery:
    """Return a PromQL query over time; `legend` names its series, with {{label}} for a label's value."""
    return _prometheus(expr, legend, PromQueryFormat.TIME_SERIES, instant=False)


def now(expr: str, legend: str) -> prometheus.Dataquery:
    """Return a PromQL query of the latest value alone."""
    return _prometheus(expr, legend, PromQueryFormat.TIME_SERIES, instant=True)


def buckets(expr: str) -> prometheus.Dataquery:
    """Return a PromQL query of a histogram's buckets over time, for a heatmap."""
    return _prometheus(expr, "{{le}}", PromQueryFormat.HEATMAP, instant=False)


def _prometheus(expr: str, legend: str, form: PromQueryFormat, instant: bool) -> prometheus.Dataquery:
    return prometheus.Dataquery(
        datasource=PROMETHEUS,
        editor_mode=QueryEditorMode.CODE,
        expr=" ".join(expr.split()),
        format_val=form,
        legend_format=legend,
        instant=instant,
        range_val=not instant,
    )


def _trimmed(sql: str) -> str:
    """Return the SQL without its indentation in the source: people read it in Grafana's editor too."""
    lines = [line for line in sql.splitlines() if line.strip()]
    indent = min(len(line) - len(line.lstrip()) for line in lines)
    return "\n".join(line[indent:].rstrip() for line in lines)
