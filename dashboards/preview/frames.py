"""Query results as Grafana's data frames, in the JSON that @grafana/data reads, converted as by the data sources.

A frame is `{"schema": {"refId", "fields": [{"name", "type", "labels"?, "config"?}]}, "data": {"values": [...]}}`,
column by column; times are ms since the epoch.
"""

import math
import re
from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import orjson

Frame = dict[str, Any]

# The data sources' formats of a ClickHouse query.
TIME_SERIES, TABLE = 0, 1

_WRAPPERS = re.compile(r"^(?:Nullable|LowCardinality)\((.*)\)$")
_NUMBER = re.compile(r"^(?:U?Int|Float|BFloat|Decimal)")


def frame(ref_id: str, fields: list[Frame], columns: list[list[Any]], name: str | None = None) -> Frame:
    """Return a frame of these fields and columns."""
    schema: Frame = {"refId": ref_id, "fields": fields}
    if name is not None:
        schema["name"] = name
    return {"schema": schema, "data": {"values": columns}}


def field_type(clickhouse_type: str) -> str:
    """Return the frame type for a ClickHouse column: time, number, boolean or string."""
    while wrapped := _WRAPPERS.match(clickhouse_type):
        clickhouse_type = wrapped[1]
    if clickhouse_type.startswith("Date"):
        return "time"
    if _NUMBER.match(clickhouse_type):
        return "number"
    return "boolean" if clickhouse_type == "Bool" else "string"


def from_clickhouse(
    ref_id: str, names: Sequence[str], types: Sequence[str], columns: Sequence[Sequence[Any]], result_format: int
) -> list[Frame]:
    """Return a ClickHouse result's frames.

    A time series with a text column becomes one series per text. Raises ValueError if it isn't sorted by time.
    """
    fields: list[Frame] = [
        {"name": name, "type": field_type(kind), "config": {}} for name, kind in zip(names, types, strict=True)
    ]
    values = [[_value(value, field["type"]) for value in column] for field, column in zip(fields, columns, strict=True)]
    kinds = [field["type"] for field in fields]
    if result_format == TIME_SERIES and kinds.count("time") == 1 and "string" in kinds and "number" in kinds:
        return [_wide(ref_id, fields, values)]
    return [frame(ref_id, fields, values)]


def _value(value: Any, kind: str) -> Any:
    if value is None:
        return None
    if kind == "time":
        return _milliseconds(value)
    if kind == "number":
        return _number(value)
    if kind == "boolean" or isinstance(value, str):
        return value
    return orjson.dumps(value, default=str).decode() if isinstance(value, dict | list | tuple) else str(value)


def _milliseconds(value: date) -> int:
    moment = value if isinstance(value, datetime) else datetime(value.year, value.month, value.day, tzinfo=UTC)
    return round((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)


def _number(value: Any) -> float | int | None:
    if isinstance(value, Decimal):
        value = float(value)
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _wide(ref_id: str, fields: list[Frame], columns: list[list[Any]]) -> Frame:
    """Return one time column, and a column per number and combination of texts; null if a series has no row."""
    place = next(index for index, field in enumerate(fields) if field["type"] == "time")
    texts = [index for index, field in enumerate(fields) if field["type"] == "string"]
    numbers = [index for index, field in enumerate(fields) if field["type"] in ("number", "boolean")]
    if any(later < earlier for earlier, later in zip(columns[place], columns[place][1:], strict=False)):
        raise ValueError("the time series has texts and isn't sorted by time in ascending order")
    times = list(dict.fromkeys(columns[place]))
    row_of = {time: row for row, time in enumerate(times)}
    series: dict[tuple[str, ...], list[list[Any]]] = {}
    for row, time in enumerate(columns[place]):
        labels = tuple(str(columns[index][row] or "") for index in texts)
        made = series.setdefault(labels, [[None] * len(times) for _ in numbers])
        for target, index in zip(made, numbers, strict=True):
            target[row_of[time]] = columns[index][row]
    wide_fields, wide_columns = [fields[place]], [times]
    for position, index in enumerate(numbers):
        for labels in sorted(series):
            named = {fields[text]["name"]: label for text, label in zip(texts, labels, strict=True)}
            wide_fields.append({**fields[index], "labels": named})
            wide_columns.append(series[labels][position])
    return frame(ref_id, wide_fields, wide_columns)


def from_prometheus(ref_id: str, answer: Frame, legend: str, result_format: str, expr: str) -> list[Frame]:
    """Return the frames of an answer's `data`: one frame per series, one table, or buckets for a heatmap."""
    series = [
        (each["metric"], each["values"] if "values" in each else [each["value"]])
        for each in (answer["result"] if answer["resultType"] in ("matrix", "vector") else [])
    ]
    if answer["resultType"] == "scalar":
        series = [({}, [answer["result"]])]
    if result_format == "table":
        return [_prometheus_table(ref_id, series)] if series else []
    if result_format == "heatmap":
        return [_buckets(ref_id, series)] if series else []
    frames = []
    for metric, points in series:
        labels = {name: value for name, value in metric.items() if name != "__name__"}
        config = {"displayNameFromDS": name} if (name := _legend(legend, metric, expr)) else {}
        fields: list[Frame] = [
            {"name": "Time", "type": "time", "config": {}},
            {"name": "Value", "type": "number", "labels": labels, "config": config},
        ]
        frames.append(frame(ref_id, fields, _points(points), name or None))
    return frames


def _legend(legend: str, metric: dict[str, str], expr: str) -> str:
    if legend in ("", "__auto"):
        # Grafana's page names a series by its labels; without labels, by its expression.
        return "" if len(metric) > ("__name__" in metric) else expr
    return re.sub(r"\{\{\s*(\w+)\s*\}\}", lambda match: metric.get(match[1], match[0]), legend)


def _points(points: list[list[Any]]) -> list[list[Any]]:
    return [[round(float(time) * 1000) for time, _ in points], [_number(float(value)) for _, value in points]]


def _prometheus_table(ref_id: str, series: list[tuple[dict[str, str], list[list[Any]]]]) -> Frame:
    labels = sorted({name for metric, _ in series for name in metric if name != "__name__"})
    rows = [
        [time, *(metric.get(name, "") for name in labels), value]
        for metric, points in series
        for time, value in zip(*_points(points), strict=True)
    ]
    fields: list[Frame] = [{"name": "Time", "type": "time", "config": {}}]
    fields += [{"name": name, "type": "string", "config": {}} for name in labels]
    fields += [{"name": "Value", "type": "number", "config": {}}]
    return frame(ref_id, fields, [list(column) for column in zip(*rows, strict=True)])


def _buckets(ref_id: str, series: list[tuple[dict[str, str], list[list[Any]]]]) -> Frame:
    """Return a column per bucket, by upper bound. Prometheus' buckets are cumulative, these are not."""
    columns: dict[float, dict[int, float]] = {}
    for metric, points in series:
        if "le" not in metric:
            raise ValueError("a heatmap of Prometheus needs the label le: sum by (le) (...)")
        column = columns.setdefault(float(metric["le"]), {})
        for time, value in zip(*_points(points), strict=True):
            column[time] = column.get(time, 0) + (value or 0)
    bounds = sorted(columns)
    times = sorted({time for column in columns.values() for time in column})
    values: list[list[Any]] = [times]
    for index, bound in enumerate(bounds):
        below = columns[bounds[index - 1]] if index else {}
        values.append([max(0, columns[bound].get(time, 0) - below.get(time, 0)) for time in times])
    names = ["+Inf" if math.isinf(bound) else f"{bound:g}" for bound in bounds]
    fields: list[Frame] = [{"name": "Time", "type": "time", "config": {}}]
    fields += [{"name": name, "type": "number", "config": {}} for name in names]
    return frame(ref_id, fields, values)
