"""The dashboards: generated from their source, valid for Grafana, each panel explained, with metrics that exist."""

import json
import re
from collections.abc import Iterator
from itertools import chain, combinations, pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml
from faust.sensors.prometheus import FaustMetrics
from prometheus_client import CollectorRegistry

from dashboards.expand import expand, expand_promql
from dashboards.source import __main__ as build
from streams.metrics import catalogue as metrics
from tests.repo.test_alerts import promtool
from tests.support.dashboards import DASHBOARDS, PROMQL, QUERIES, SQL, Query, as_opened, panels, variables

UIDS = {f"impressions-{name}" for name in ("overview", "coverage", "delivery", "edge", "pipeline", "user")}
PANELS = [
    pytest.param(uid, panel, id=f"{uid.removeprefix('impressions-')}: {panel['title']}")
    for uid, dashboard in DASHBOARDS.items()
    for panel in panels(dashboard)
]
COLUMNS = 24
# Prometheus's own metrics, and labels that it adds.
NOT_EXPORTED = {"ALERTS"}
LABELS_OF_PROMETHEUS = {"instance", "job", "alertname", "alertstate", "severity", "le"}
WORDS_OF_PROMQL = {"by", "without", "on", "ignoring", "or", "and", "unless", "bool"}
MINUTE = 60_000


def test_the_committed_dashboards_match_their_source() -> None:
    assert build.drifted() == [], "run python -m dashboards.source"


def test_drift_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build, "FOLDER", tmp_path)
    build.write()
    assert build.drifted() == []
    changed, missing, *_ = sorted(tmp_path.glob("*.json"))
    changed.write_text(changed.read_text().replace('"editable": false', '"editable": true'))
    missing.unlink()
    (tmp_path / "another.json").write_text("{}")
    assert build.drifted() == ["another.json", changed.name, missing.name]
    build.write()
    assert build.drifted() == []


def test_there_are_six_dashboards_each_in_a_file_named_after_it() -> None:
    assert set(DASHBOARDS) == UIDS
    assert all(dashboard["uid"] == uid for uid, dashboard in DASHBOARDS.items())


@pytest.mark.parametrize("uid", DASHBOARDS)
def test_dashboards_survive_a_round_trip_through_grafanas_sdk(uid: str) -> None:
    assert round_trip(DASHBOARDS[uid]) == DASHBOARDS[uid]


@pytest.mark.parametrize("where", ["dashboard", "panel", "options", "custom", "target", "variable"])
def test_a_key_unknown_to_grafana_is_found(where: str) -> None:
    spoilt = json.loads(json.dumps(DASHBOARDS["impressions-overview"]))
    panel = next(panel for panel in spoilt["panels"] if panel["type"] == "timeseries")
    places = {
        "dashboard": spoilt,
        "panel": panel,
        "options": panel["options"],
        "custom": panel["fieldConfig"]["defaults"]["custom"],
        "target": panel["targets"][0],
        "variable": spoilt["templating"]["list"][0],
    }
    places[where]["titel"] = "misspelt"
    assert round_trip(spoilt) != spoilt


def round_trip(dashboard: dict[str, Any]) -> Any:
    return json.loads(build.reread(json.dumps(dashboard)))


@pytest.mark.parametrize("uid", DASHBOARDS)
def test_a_dashboard_is_read_only_and_links_to_the_others(uid: str) -> None:
    dashboard = DASHBOARDS[uid]
    assert dashboard["editable"] is False
    assert dashboard["title"]
    assert dashboard["description"]
    assert dashboard["time"]["to"] == "now"
    (link,) = dashboard["links"]
    assert (link["type"], link["keepTime"], link["includeVars"]) == ("dashboards", True, True)
    assert all(set(link["tags"]) <= set(other["tags"]) for other in DASHBOARDS.values())


@pytest.mark.parametrize("uid", DASHBOARDS)
def test_panels_are_side_by_side_below_a_heading(uid: str) -> None:
    outer = DASHBOARDS[uid]["panels"]
    placed = [panel for each in outer for panel in (each, *each.get("panels", []))]
    assert placed[0]["type"] == "row"
    assert not any(first["type"] == second["type"] == "row" for first, second in pairwise(placed))
    assert placed[-1]["type"] != "row"
    ids = [panel["id"] for panel in placed]
    assert len(set(ids)) == len(ids)
    # As it is when opened, and each section by itself, which moves the others down.
    for shown in (outer, *(each["panels"] for each in outer if each.get("panels"))):
        places = [panel["gridPos"] for panel in shown]
        assert all(place["x"] + place["w"] <= COLUMNS for place in places)
        assert not any(overlap(one, other) for one, other in combinations(places, 2))
    for each in outer:
        if each.get("panels"):
            assert min(panel["gridPos"]["y"] for panel in each["panels"]) == each["gridPos"]["y"] + 1
    titles = [panel["title"] for panel in placed if panel["type"] != "row"]
    assert len(set(titles)) == len(titles)


def overlap(one: dict[str, int], other: dict[str, int]) -> bool:
    return all(
        one[start] < other[start] + other[size] and other[start] < one[start] + one[size]
        for start, size in (("x", "w"), ("y", "h"))
    )


@pytest.mark.parametrize(("uid", "panel"), PANELS)
def test_each_panel_is_described(uid: str, panel: dict[str, Any]) -> None:
    assert panel["title"]
    assert re.fullmatch(r"[^a-z].+\.", panel["description"], re.DOTALL)
    assert panel["targets"]
    assert panel["fieldConfig"]["defaults"]["unit"]
    assert panel["fieldConfig"]["defaults"]["thresholds"]["steps"][0]["value"] is None
    if panel["type"] in ("timeseries", "barchart", "state-timeline"):
        assert panel["options"]["legend"]["showLegend"] is True
    # A panel with a target or an alert also shows it by a colour.
    if re.search(r"Target|alert is raised|pages\b", panel["description"]) and panel["type"] in ("stat", "bargauge"):
        assert len(panel["fieldConfig"]["defaults"]["thresholds"]["steps"]) > 1


@pytest.mark.parametrize(("uid", "panel"), PANELS)
def test_each_panel_queries_a_selectable_data_source(uid: str, panel: dict[str, Any]) -> None:
    sources = {json.dumps(target["datasource"], sort_keys=True) for target in panel["targets"]}
    assert sources == {json.dumps(panel["datasource"], sort_keys=True)}
    name = {"grafana-clickhouse-datasource": "datasource", "prometheus": "prometheus"}[panel["datasource"]["type"]]
    assert panel["datasource"]["uid"] == f"${{{name}}}"
    assert variables(DASHBOARDS[uid])[name]["query"] == panel["datasource"]["type"]
    assert [target["refId"] for target in panel["targets"]] == list("ABCDEFGH")[: len(panel["targets"])]


@pytest.mark.parametrize("uid", DASHBOARDS)
def test_variables_are_refreshed_when_the_time_range_changes(uid: str) -> None:
    declared = variables(DASHBOARDS[uid])
    assert declared["datasource"]["label"] == "Data source"
    assert all(variable["label"] for variable in declared.values())
    for variable in declared.values():
        if variable["type"] == "query":
            assert variable["refresh"] == 2
            assert variable["datasource"] == {"type": "grafana-clickhouse-datasource", "uid": "${datasource}"}
            assert variable["definition"] == variable["query"]["rawSql"]
            assert variable["query"]["editorType"] == "sql"
            assert (variable["multi"], variable["includeAll"]) == (True, True)
        elif variable["type"] == "textbox":
            assert (variable["query"], variable["current"]["value"]) == ("", "")


@pytest.mark.parametrize("uid", DASHBOARDS)
def test_each_variable_is_used(uid: str) -> None:
    text = json.dumps(DASHBOARDS[uid]["panels"])
    for name in variables(DASHBOARDS[uid]):
        assert re.search(rf"\$\{{?{name}\b", text), name


@pytest.mark.parametrize("query", SQL, ids=str)
def test_sql_is_stored_and_expands_as_in_the_plugin(query: Query) -> None:
    target = query.target
    over_time = query.panel["type"] in ("timeseries", "state-timeline", "heatmap")
    assert target["format"] == (0 if over_time else 1)
    assert target["queryType"] == ("timeseries" if over_time else "table")
    assert (target["editorType"], target["pluginVersion"]) == ("sql", "4.20.0")
    for seconds in (1, 60):
        expanded = expand(
            target["rawSql"], start=0, stop=MINUTE, interval_seconds=seconds, variables=as_opened(query.uid)
        )
        assert "$" not in expanded


def test_variables_are_quoted_whatever_is_chosen() -> None:
    """The plugin inserts a variable with a single value unquoted, unless the variable's format says otherwise."""
    for query in SQL:
        bare = re.findall(
            r"\$\{?(?!__)(\w+)\}?(?!\w|:)", re.sub(r"\$__conditionalAll\((.*?), \$\w+\)", r"\1", query.target["rawSql"])
        )
        assert bare == [], query


def exported() -> dict[str, set[str]]:
    """Every name that worker, sink and collector export, with the labels that we define."""
    faust = CollectorRegistry()
    FaustMetrics.create(faust, "faust")
    labels = {metric._name: set(metric._labelnames) for metric in metrics.catalogue().values()}
    faust_labels = {"topic", "partition", "stream", "operation"}
    names: dict[str, set[str]] = {}
    for family in chain(metrics.WORKER.collect(), metrics.SINK.collect(), metrics.COLLECTOR.collect(), faust.collect()):
        endings = {"counter": ("_total",), "histogram": ("_bucket", "_count", "_sum")}.get(family.type, ("",))
        for ending in endings:
            names[family.name + ending] = labels.get(family.name, faust_labels)
    return names


EXPORTED = exported()


def bare(expr: str) -> str:
    """Return the expression without its strings and ranges."""
    return re.sub(r"\[[^\]]*\]", "", re.sub(r'"(?:[^"\\]|\\.)*"', '""', expr))


def named(expr: str) -> set[str]:
    """Return the metrics that an expression reads: the words that are not functions, labels or keywords."""
    text = re.sub(r"\{[^}]*\}|\b(?:by|without|on|ignoring) \([^)]*\)", " ", bare(expr))
    words = re.findall(r"\b[a-zA-Z_:][\w:]*\b(?!\s*\()", text)
    return set(words) - WORDS_OF_PROMQL


def labels_of(expr: str) -> set[str]:
    """Return the labels that an expression matches or groups by."""
    text = bare(expr)
    matched = [re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", inner) for inner in re.findall(r"\{([^}]*)\}", text)]
    grouped = [re.findall(r"\w+", inner) for inner in re.findall(r"\b(?:by|without|on|ignoring) \(([^)]*)\)", text)]
    return set(chain(*matched, *grouped))


def test_metrics_and_labels_of_an_expression_are_found() -> None:
    expr = 'sum by (le, pool) (rate(one{pool=~"$p", topic!="a b"}[$__rate_interval])) / on (le) max(two) or vector(0)'
    assert named(expr) == {"one", "two"}
    assert labels_of(expr) == {"le", "pool", "topic"}


@pytest.mark.parametrize("query", PROMQL, ids=str)
def test_promql_reads_metrics_that_exist(query: Query) -> None:
    expr = query.target["expr"]
    read = named(expr)
    assert read
    assert read - NOT_EXPORTED <= EXPORTED.keys()
    ours = set().union(*(EXPORTED.get(name, set()) for name in read))
    shown = set(re.findall(r"\{\{(\w+)\}\}", query.target["legendFormat"]))
    assert labels_of(expr) | shown <= ours | LABELS_OF_PROMETHEUS


def test_promtool_accepts_every_expression(tmp_path: Path) -> None:
    rules = [
        {
            "record": f"panel:{number}",
            "expr": expand_promql(query.target["expr"], interval_seconds=15, variables=as_opened(query.uid)),
        }
        for number, query in enumerate(PROMQL)
    ]
    path = tmp_path / "panels.yml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}))
    assert f"{len(PROMQL)} rules found" in promtool("check", "rules", path)


def links() -> Iterator[tuple[str, dict[str, Any]]]:
    for uid, dashboard in DASHBOARDS.items():
        for panel in panels(dashboard):
            for override in panel["fieldConfig"]["overrides"]:
                for entry in override["properties"]:
                    yield from ((uid, link) for link in (entry["value"] if entry["id"] == "links" else ()))


def test_data_links_name_dashboards_and_variables_that_exist() -> None:
    found = list(links())
    assert {uid for uid, _ in found} == {"impressions-coverage", "impressions-delivery"}
    for uid, link in found:
        path, _, arguments = link["url"].partition("?")
        target = DASHBOARDS[path.removeprefix("/d/")]
        for argument in arguments.split("&"):
            if named_variable := re.fullmatch(r"var-(\w+)=.+", argument):
                assert named_variable[1] in variables(target)
            elif argument != "${__url_time_range}":
                (kept,) = re.fullmatch(r"\$\{(\w+):queryparam\}", argument).groups()  # type: ignore[union-attr]
                assert kept in variables(DASHBOARDS[uid])


def test_every_query_is_sql_or_promql() -> None:
    assert len(SQL) + len(PROMQL) == len(QUERIES)
    assert SQL
    assert PROMQL
