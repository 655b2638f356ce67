"""How the preview turns a query's result into frames, and reads a dashboard's variables and a page's time range."""

import math
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from dashboards.expand import Everything
from dashboards.preview import model
from dashboards.preview.__main__ import query_of
from dashboards.preview.frames import TABLE, TIME_SERIES, Frame, field_type, from_clickhouse, from_prometheus
from dashboards.preview.play import Shown
from dashboards.preview.sources import Sources, Span
from streams.settings import Settings

MOMENT = datetime(2024, 11, 24, 7, 0, tzinfo=UTC)
MS = 1_732_431_600_000


@pytest.mark.parametrize(
    ("clickhouse", "expected"),
    [
        ("UInt64", "number"),
        ("Nullable(Float64)", "number"),
        ("Decimal(18, 4)", "number"),
        ("DateTime64(3, 'UTC')", "time"),
        ("Date", "time"),
        ("LowCardinality(Nullable(String))", "string"),
        ("Enum8('a' = 1)", "string"),
        ("Bool", "boolean"),
        ("IPv4", "string"),
        ("Array(UInt8)", "string"),
    ],
)
def test_clickhouse_types_become_grafanas(clickhouse: str, expected: str) -> None:
    assert field_type(clickhouse) == expected


def test_a_table_keeps_its_columns_and_converts_values_to_json() -> None:
    names = ["at", "day", "share", "money", "flag", "more", "none"]
    types = ["DateTime('UTC')", "Date", "Float64", "Decimal(9, 2)", "Bool", "Map(String, UInt8)", "Nullable(String)"]
    row = [MOMENT.replace(tzinfo=None), date(2024, 11, 24), math.nan, Decimal("1.25"), True, {"k": 1}, None]
    (frame,) = from_clickhouse("A", names, types, [[value] for value in row], TABLE)
    assert frame["schema"]["refId"] == "A"
    assert [field["name"] for field in frame["schema"]["fields"]] == names
    assert values(frame) == [[MS], [MS - 7 * 3_600_000], [None], [1.25], [True], ['{"k":1}'], [None]]


def test_a_time_series_with_a_text_column_becomes_one_series_per_text() -> None:
    later = MOMENT.replace(minute=1)
    columns: list[list[Any]] = [[MOMENT, MOMENT, later], ["b", "a", "a"], [1, 2, 3]]
    (frame,) = from_clickhouse("A", ["time", "pool", "users"], ["DateTime", "String", "UInt64"], columns, TIME_SERIES)
    assert [field.get("labels") for field in frame["schema"]["fields"]] == [None, {"pool": "a"}, {"pool": "b"}]
    assert [field["name"] for field in frame["schema"]["fields"]] == ["time", "users", "users"]
    assert values(frame) == [[MS, MS + 60_000], [2, 3], [1, None]]


def test_a_time_series_without_a_text_column_is_unchanged() -> None:
    (frame,) = from_clickhouse(
        "A", ["time", "a", "b"], ["DateTime", "UInt8", "UInt8"], [[MOMENT], [1], [2]], TIME_SERIES
    )
    assert values(frame) == [[MS], [1], [2]]


def test_a_time_series_must_be_sorted() -> None:
    columns: list[list[Any]] = [[MOMENT.replace(minute=1), MOMENT], ["a", "b"], [1, 2]]
    with pytest.raises(ValueError, match="isn't sorted by time"):
        from_clickhouse("A", ["time", "pool", "users"], ["DateTime", "String", "UInt64"], columns, TIME_SERIES)


def matrix(*series: tuple[dict[str, str], list[list[Any]]]) -> Frame:
    """Prometheus's answer to a range query."""
    return {"resultType": "matrix", "result": [{"metric": metric, "values": points} for metric, points in series]}


@pytest.mark.parametrize(
    ("legend", "metric", "expected"),
    [
        ("{{pool}} of {{ tier }}", {"pool": "main", "tier": "pro"}, "main of pro"),
        ("{{missing}}", {}, "{{missing}}"),
        ("__auto", {"__name__": "up", "job": "sink"}, None),
        ("", {"__name__": "up"}, "up > 0"),
        ("all", {"pool": "main"}, "all"),
    ],
)
def test_legends(legend: str, metric: dict[str, str], expected: str | None) -> None:
    (frame,) = from_prometheus("A", matrix((metric, [[1.5, "2"]])), legend, "time_series", "up > 0")
    assert frame["schema"]["fields"][1]["config"].get("displayNameFromDS") == expected
    assert values(frame) == [[1500], [2.0]]


def test_a_value_that_is_not_a_number_is_a_gap() -> None:
    (frame,) = from_prometheus("A", matrix(({}, [[1, "NaN"], [2, "+Inf"], [3, "4"]])), "", "time_series", "x")
    assert values(frame) == [[1000, 2000, 3000], [None, None, 4.0]]


def test_an_instant_table() -> None:
    data = {"resultType": "vector", "result": [{"metric": {"__name__": "up", "job": "sink"}, "value": [1, "1"]}]}
    (frame,) = from_prometheus("A", data, "", "table", "up")
    assert [field["name"] for field in frame["schema"]["fields"]] == ["Time", "job", "Value"]
    assert values(frame) == [[1000], ["sink"], [1.0]]


def test_a_scalar() -> None:
    (frame,) = from_prometheus("A", {"resultType": "scalar", "result": [1, "42"]}, "", "time_series", "42")
    assert values(frame) == [[1000], [42.0]]


def test_a_heatmaps_buckets_do_not_include_lower_ones() -> None:
    data = matrix(({"le": "+Inf"}, [[1, "9"], [2, "4"]]), ({"le": "0.5"}, [[1, "5"]]), ({"le": "0.1"}, [[1, "2"]]))
    (frame,) = from_prometheus("A", data, "{{le}}", "heatmap", "x")
    assert [field["name"] for field in frame["schema"]["fields"]] == ["Time", "0.1", "0.5", "+Inf"]
    assert values(frame) == [[1000, 2000], [2, 0], [3, 0], [4, 4]]


def test_a_heatmap_needs_buckets() -> None:
    with pytest.raises(ValueError, match="needs the label le"):
        from_prometheus("A", matrix(({"pool": "main"}, [[1, "1"]])), "", "heatmap", "x")


def resolved(asked: dict[str, list[str]], **declared: Any) -> model.Variable:
    """A variable of one dashboard, resolved without a server."""
    dashboard = {"templating": {"list": [{"name": "v", "type": "custom", "query": "a, b,Long : c", **declared}]}}
    return model.resolve(dashboard, Sources(Settings(), None), Span(0, 1000), asked)["v"]


@pytest.mark.parametrize(
    ("asked", "declared", "value", "text"),
    [
        ({}, {}, "a", "a"),
        ({}, {"current": {"value": "b"}}, "b", "b"),
        ({"var-v": ["c"]}, {"current": {"value": "b"}}, "c", "c"),
        ({"var-v": ["a", "c"]}, {"multi": True}, ["a", "c"], "a + c"),
        ({}, {"includeAll": True, "multi": True}, ("a", "b", "c"), "All"),
        ({}, {"current": {"value": ["$__all"]}, "includeAll": True}, ("a", "b", "c"), "All"),
        ({}, {"type": "textbox", "query": "u1"}, "u1", "u1"),
        ({"var-v": [""]}, {"type": "textbox", "query": "u1"}, "", ""),
    ],
)
def test_a_variable(asked: dict[str, list[str]], declared: dict[str, Any], value: Any, text: str) -> None:
    variable = resolved(asked, **declared)
    assert variable.value == value
    assert variable.text == text


def test_all_stays_all_in_links_and_uses_the_dashboards_value_in_queries() -> None:
    variable = resolved({}, includeAll=True, multi=True, allValue=".*")
    assert isinstance(variable.value, Everything)
    assert variable.value.custom == ".*"
    assert variable.as_json()["values"] == ["$__all"]


def test_every_panel_has_a_unique_id() -> None:
    dashboard = {"panels": [{"id": 2}, {"panels": [{"id": 1}, {}]}]}
    numbers = [panel["id"] for panel in model.panels(dashboard)]
    assert len(set(numbers)) == len(numbers) == 4
    assert {1, 2} < set(numbers)


@pytest.mark.parametrize(
    ("asked", "length"),
    [({"from": ["1000"], "to": ["61000"]}, 60_000), ({}, 6 * 3_600_000), ({"from": ["now-7d"]}, 7 * 86_400_000)],
)
def test_time_ranges(asked: dict[str, list[str]], length: int) -> None:
    span = model.span_of({"time": {"from": "now-6h", "to": "now"}}, asked)
    assert span.stop - span.start == length


@pytest.mark.parametrize("asked", [{"from": ["now"]}, {"from": ["5"], "to": ["4"]}, {"to": ["tomorrow"]}])
def test_wrong_time_ranges_are_refused(asked: dict[str, list[str]]) -> None:
    with pytest.raises(ValueError, match=r"range is empty|is no time"):
        model.span_of({"time": {"from": "now-6h", "to": "now"}}, asked)


@pytest.mark.parametrize(
    ("text", "start"), [("SELECT 1 WHERE $__timeFilter_ms(seen_at)", "1"), ("SELECT 1 WHERE $__timeFilter(at)", "3")]
)
def test_a_picture_covers_the_times_that_its_dashboard_filters_by(text: str, start: str) -> None:
    shown = Shown(Settings(), None, played=(3, 4), seen=(1, 4))
    dashboard = {"panels": [{"id": 1, "targets": [{"rawSql": text}]}]}
    assert query_of(dashboard, shown, ["user=u=1"]) == {"from": start, "to": "4", "var-user": "u=1"}


def values(frame: Frame) -> list[list[Any]]:
    """A frame's columns."""
    columns: list[list[Any]] = frame["data"]["values"]
    return columns
