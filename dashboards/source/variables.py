"""The dashboards' variables, and conditions on them."""

from grafana_foundation_sdk.models import dashboard as model
from grafana_foundation_sdk.models.dashboard import VariableModel, VariableRefresh, VariableSort, VariableType

from dashboards.source.queries import CLICKHOUSE, CLICKHOUSE_TYPE, PROMETHEUS_TYPE


def clickhouse() -> VariableModel:
    """The ClickHouse data source."""
    return _source("datasource", "Data source", CLICKHOUSE_TYPE)


def prometheus() -> VariableModel:
    """The Prometheus data source."""
    return _source("prometheus", "Prometheus", PROMETHEUS_TYPE)


def pool() -> VariableModel:
    """Pools of the catalogue; several, or all."""
    return _several("pool", "Pool", "SELECT DISTINCT pool_id FROM artworks ORDER BY pool_id")


def tier() -> VariableModel:
    """Tiers that sent something in the time range; several, or all."""
    return _several("tier", "Tier", _sent("tier"))


def transport() -> VariableModel:
    """Transports by which something arrived in the time range; several, or all."""
    return _several("transport", "Transport", _sent("transport"))


def text(name: str, label: str, description: str) -> VariableModel:
    """Return a text variable that the viewer types in or a link sets; empty at first."""
    return VariableModel(
        type_val=VariableType.TEXTBOX,
        name=name,
        label=label,
        description=description,
        query="",
        current=model.VariableOption(selected=False, text="", value=""),
    )


def chosen(column: str, name: str) -> str:
    """Return the condition that a column is among a variable's values; no condition if all are chosen."""
    return f"$__conditionalAll({column} IN (${{{name}:singlequote}}), ${name})"


def _source(name: str, label: str, kind: str) -> VariableModel:
    return VariableModel(
        type_val=VariableType.DATASOURCE,
        name=name,
        label=label,
        query=kind,
        refresh=VariableRefresh.ON_DASHBOARD_LOAD,
        allow_custom_value=False,
    )


def _several(name: str, label: str, sql: str) -> VariableModel:
    everything = model.VariableOption(selected=True, text=["All"], value=["$__all"])
    return VariableModel(
        type_val=VariableType.QUERY,
        name=name,
        label=label,
        datasource=CLICKHOUSE,
        query={"editorType": "sql", "rawSql": sql},
        definition=sql,
        refresh=VariableRefresh.ON_TIME_RANGE_CHANGED,
        sort=VariableSort.ALPHABETICAL_ASC,
        multi=True,
        include_all=True,
        current=everything,
        allow_custom_value=False,
    )


def _sent(column: str) -> str:
    return (
        f"SELECT DISTINCT {column} FROM ledger_minutes "
        f"WHERE minute >= toStartOfMinute($__fromTime) AND minute <= $__toTime AND {column} != '' ORDER BY {column}"
    )


OF_POOL = chosen("pool_id", "pool")
