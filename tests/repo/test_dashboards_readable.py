"""What a reader needs on each panel: units, words for thresholds, colours that mean one thing, reasons for no data."""

import colorsys
import re
from collections.abc import Iterator, Mapping
from itertools import combinations
from typing import Any, get_args

import pytest

from dashboards.source import colours
from dashboards.source.empty import why_empty
from dashboards.source.look import Head, Look
from dashboards.source.panels import areas, lines, number
from dashboards.source.queries import metric, now, series
from dashboards.source.scales import FEW_EXHAUSTED, MOSTLY_NEW, zero_is_right
from dashboards.source.units import SHARE, count, share
from impression_streams.types import Transport
from streams.metrics import collector
from streams.model.rows import RejectReason
from streams.sink.feeds import FEEDS
from streams.worker.observe import OUTCOMES
from tests.support.dashboards import DASHBOARDS, QUERIES, panels

PANELS = [
    pytest.param(panel, id=f"{uid.removeprefix('impressions-')}: {panel['title']}")
    for uid, dashboard in DASHBOARDS.items()
    for panel in panels(dashboard)
]
# Grafana's names of the colours of a status, in all their shades.
STATUS = re.compile(r"^(?:super-light-|light-|semi-dark-|dark-)?(?:red|orange|yellow|green)$")
LIMIT = re.compile(r"^(?:target|alert): .*\d")
# Units that don't say what they count.
BARE = {"short", "none", "count:/s"}
# What a single number counts is in its title.
COUNTED = re.compile(
    r"\b(alerts|workers|sinks|collectors|requests|partitions|records|lines|artworks|users|impressions|repeats|merges|balance)\b",
    re.IGNORECASE,
)
GRAPHS = ("timeseries", "barchart")


def defaults(panel: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = panel["fieldConfig"]["defaults"]
    return found


def overrides(panel: Mapping[str, Any], key: str) -> Iterator[tuple[dict[str, str], Any]]:
    """A panel's overrides of a property: matcher and value."""
    for each in panel["fieldConfig"]["overrides"]:
        yield from ((each["matcher"], entry["value"]) for entry in each["properties"] if entry["id"] == key)


@pytest.mark.parametrize("panel", PANELS)
def test_every_panel_says_in_which_unit_and_of_what(panel: dict[str, Any]) -> None:
    unit, kind = defaults(panel)["unit"], panel["type"]
    assert unit not in ("cps", "ops", "h")
    if kind in GRAPHS:
        label = defaults(panel)["custom"].get("axisLabel", "")
        assert unit not in BARE or label
        assert len(label) <= 22, "a label has no more room beside a panel of eight rows"
    elif kind == "heatmap":
        assert panel["options"]["yAxis"]["unit"] not in BARE
        assert panel["options"]["cellValues"]["unit"]
    elif kind in ("stat", "bargauge"):
        assert unit not in BARE or COUNTED.search(panel["title"])
    else:
        assert kind in ("table", "state-timeline")
        assert unit == "none"


@pytest.mark.parametrize("panel", PANELS)
def test_no_threshold_is_without_words(panel: dict[str, Any]) -> None:
    if panel["type"] in GRAPHS:
        style = defaults(panel)["custom"].get("thresholdsStyle", {"mode": "off"})
        assert style["mode"] == "off", "Grafana's own lines have no words"
        assert len(defaults(panel)["thresholds"]["steps"]) == 1
        return
    scales = [defaults(panel)["thresholds"], *(value for _, value in overrides(panel, "thresholds"))]
    for scale in scales:
        if len(scale["steps"]) > 1:
            used = {step["color"] for step in scale["steps"]} - {"text"}
            assert [colour for colour in used if colour not in panel["description"].lower()] == []
    if panel["type"] == "stat" and len(scales[0]["steps"]) > 1:
        assert defaults(panel)["displayName"].startswith("target: ")
        assert panel["options"]["textMode"] == "value_and_name"


@pytest.mark.parametrize("panel", PANELS)
def test_a_line_that_stands_for_a_threshold_is_named_dashed_and_there_only_with_its_data(panel: dict[str, Any]) -> None:
    limits = [target for target in panel["targets"] if " + 0 * max(" in target.get("expr", "")]
    for target in limits:
        name = target["legendFormat"]
        assert LIMIT.match(name)
        properties = dict(
            (entry["id"], entry["value"])
            for each in panel["fieldConfig"]["overrides"]
            if each["matcher"] == {"id": "byName", "options": name}
            for entry in each["properties"]
        )
        assert properties["custom.lineStyle"]["fill"] == "dash"
        assert STATUS.match(properties["color"]["fixedColor"])
    # And nothing else may be constant.
    assert not any(re.match(r"vector\(", target.get("expr", "")) for target in panel["targets"])


def test_the_targets_and_alerts_of_freshness_are_lines_with_words() -> None:
    (panel,) = (each for each in panels(DASHBOARDS["impressions-overview"]) if each["title"] == "Freshness, by pool")
    assert [target["legendFormat"] for target in panel["targets"]] == [
        "{{pool}}", "target: from 90 %", "alert: below 50 %",
    ]  # fmt: skip
    assert panel["targets"][1]["expr"] == "0.9 + 0 * max(impressions_kpi_freshness_ratio)"


@pytest.mark.parametrize("panel", PANELS)
def test_status_colours_are_for_thresholds_and_faults_alone(panel: dict[str, Any]) -> None:
    if panel["type"] not in (*GRAPHS, "heatmap"):
        return
    # Grafana's palettes begin with green, yellow and orange: nothing may fall back to them.
    assert defaults(panel)["color"] == {"mode": "fixed", "fixedColor": colours.QUIET}
    for matcher, colour in overrides(panel, "color"):
        name = matcher["options"]
        if STATUS.match(colour["fixedColor"]):
            assert matcher["id"] == "byName"
            assert name in colours.FAULTS or LIMIT.match(name)
            assert name not in colours.FAULTS or colour["fixedColor"] == colours.BAD


def test_the_hues_of_names_are_none_of_a_status_and_differ() -> None:
    assert len(set(colours.HUES)) == len(colours.HUES) == 10
    for hue in colours.HUES:
        if not hue.startswith("#"):
            assert hue.split("-")[-1] in ("blue", "purple")
            continue
        h, _, saturation = colorsys.rgb_to_hls(*(int(hue[at : at + 2], 16) / 255 for at in (1, 3, 5)))
        assert 0.47 < h < 0.93 or saturation < 0.5, f"{hue} looks like a red, an orange or a green"


def shown_colour(panel: Mapping[str, Any], name: str) -> str:
    """The colour of a series, as Grafana applies overrides: the last that matches."""
    found: str = defaults(panel)["color"]["fixedColor"]
    for matcher, colour in overrides(panel, "color"):
        pattern = re.fullmatch(r"/(.*)/(i?)", matcher["options"])
        by_name = matcher["id"] == "byName" and matcher["options"] == name
        by_pattern = matcher["id"] == "byRegexp" and pattern and re.search(
            pattern[1], name, re.IGNORECASE if pattern[2] else 0
        )  # fmt: skip
        found = colour["fixedColor"] if by_name or by_pattern else found
    return found


def panel_of(uid: str, title: str) -> dict[str, Any]:
    (found,) = (panel for panel in panels(DASHBOARDS[uid]) if panel["title"] == title)
    return found


@pytest.mark.parametrize("names", [("main", "extra"), ("main", "small"), tuple(f"pool-{n}" for n in range(10))])
def test_pools_have_colours_of_their_own(names: tuple[str, ...]) -> None:
    for uid, title in (("impressions-overview", "Freshness, by pool"), ("impressions-coverage", "Pool size")):
        given = [shown_colour(panel_of(uid, title), name) for name in names]
        assert len(set(given)) == len(names)
        assert colours.QUIET not in given


def test_partitions_and_processes_have_colours_of_their_own() -> None:
    lag = panel_of("impressions-pipeline", "Lag of workers, in seconds")
    assert len({shown_colour(lag, f"partition {number}") for number in range(10)}) == 10
    memory = panel_of("impressions-pipeline", "Memory")
    on_one_machine = [f"worker 127.0.0.1:{9101 + 10 * number}" for number in range(6)]
    in_containers = [f"worker 172.18.0.{number}:9101" for number in range(2, 9)]
    for names in (on_one_machine, in_containers):
        assert all(shown_colour(memory, one) != shown_colour(memory, other) for one, other in combinations(names, 2)), (
            names
        )
    dashed = {matcher["options"] for matcher, _ in overrides(memory, "custom.lineStyle")}
    assert dashed == {"/^sink /"}, "a sink's line differs from a worker's of the same host"


def test_what_has_a_fixed_set_of_names_has_a_colour_for_each() -> None:
    assert set(colours.TRANSPORTS) == set(get_args(Transport))
    assert set(colours.REASONS) == set(get_args(RejectReason))
    assert set(colours.TOPICS) == set(FEEDS)
    assert set(colours.TABLES) == {table.name for feed in FEEDS.values() for table in feed.tables}
    assert set(OUTCOMES) <= set(colours.OUTCOMES)
    of_collector = ("ROUTES", "CALLS", "TOO_MUCH", "NOT_NOW", "TOKEN_FAILURES", "ENDS")
    for name in of_collector:
        assert tuple(getattr(colours, name)) == getattr(collector, name)
        assert len(set(getattr(colours, name).values())) == len(getattr(collector, name))
    for names in (colours.TRANSPORTS, colours.REASONS, colours.TOPICS, colours.TABLES):
        assert len(set(names.values())) == len(names)


@pytest.mark.parametrize("panel", PANELS)
def test_no_series_is_painted_over(panel: dict[str, Any]) -> None:
    """The outline of a series at 0 lies on the stack below it and hides it; an area hides the lines behind it."""
    if panel["type"] != "timeseries":
        return
    custom = defaults(panel)["custom"]
    if custom.get("stacking", {}).get("mode") == "normal":
        assert custom["lineWidth"] == 0
    else:
        assert custom.get("fillOpacity", 0) == 0
        assert custom["lineWidth"] > 0


def test_outcomes_are_stacked_in_the_order_in_which_they_are_read() -> None:
    panel = panel_of("impressions-overview", "Impressions, by outcome")
    assert [target["legendFormat"] for target in panel["targets"]] == [
        "fresh", "repeat", "duplicate", "forwarded", "rejected",
    ]  # fmt: skip


@pytest.mark.parametrize("panel", PANELS)
def test_every_panel_says_why_it_may_be_empty(panel: dict[str, Any]) -> None:
    reason = defaults(panel)["noValue"]
    if panel["type"] == "stat":
        assert re.fullmatch(r"[\w ,]{5,28}", reason), "it has to fit where a number stands"
    else:
        assert re.fullmatch(r"[A-Z].{15,100}[^.]", reason)
        assert reason != "No data"


SECTIONED = {"impressions-pipeline": ("Does it keep up", 8), "impressions-edge": ("Do requests get through", 6)}


@pytest.mark.parametrize("uid", SECTIONED)
def test_a_large_dashboard_opens_one_section_and_loads_the_others_when_asked_to(uid: str) -> None:
    first, *others = [each for each in DASHBOARDS[uid]["panels"] if each["type"] == "row"]
    title, sections = SECTIONED[uid]
    assert (first["title"], first["collapsed"], first["panels"]) == (title, False, [])
    assert len(others) == sections
    for row in others:
        assert row["collapsed"] is True
        assert row["panels"]
    shown = [each for each in DASHBOARDS[uid]["panels"] if each["type"] != "row"]
    assert 0 < len(shown) <= 12


def test_the_other_dashboards_have_no_closed_sections() -> None:
    for uid, dashboard in DASHBOARDS.items():
        if uid not in SECTIONED:
            assert not any(each.get("collapsed") for each in dashboard["panels"])


@pytest.mark.parametrize("uid", ["impressions-overview", "impressions-coverage", "impressions-pipeline"])
def test_artworks_that_nobody_catalogued_are_shown(uid: str) -> None:
    read = " ".join(query.target.get("expr", "") for query in QUERIES if query.uid == uid)
    assert "max(impressions_uncatalogued_artworks)" in read


def test_lag_counts_no_markers_once_everything_is_decided() -> None:
    panel = panel_of("impressions-pipeline", "Source not decided")
    done = "max by (partition) (impressions_worker_lag) + max by (partition) (impressions_worker_lag_seconds) == 0"
    assert panel["targets"][0]["expr"].count(f"({done})") == 2
    assert not any("markers count" in each["description"] for each in panels(DASHBOARDS["impressions-pipeline"]))


HEAD = Head("Share of users", "Something.", (8, 8))


def test_a_count_without_a_noun_in_its_title_is_refused() -> None:
    with pytest.raises(ValueError, match="'Share of users' doesn't say that sinks are counted"):
        number(HEAD, Look(count("sinks"), scale=zero_is_right()), now("sum(impressions_sink_ready)", "x"))


def test_thresholds_that_no_series_can_draw_are_refused() -> None:
    with pytest.raises(ValueError, match="thresholds that no series can draw"):
        lines(HEAD, Look(SHARE, scale=MOSTLY_NEW), series("SELECT now() AS time, 1 AS one"))


def test_a_scale_is_described_where_it_is_used() -> None:
    panel = number(HEAD, Look(SHARE, scale=FEW_EXHAUSTED), now("max(impressions_kpi_exhausted_ratio)", "x"))
    assert panel.description == "Something. Green below 1 %, red from there on."
    graph = areas(HEAD, Look(share("users")), metric("sum(rate(a[1m])) / sum(rate(b[1m]))", "x"))
    assert graph.description == "Something. Where nothing was measured there is no line."


@pytest.mark.parametrize(
    ("expr", "reason"),
    [
        ("max(impressions_worker_lag)", "no worker reports"),
        ("sum(rate(faust_total_events_total[1m]))", "no worker reports"),
        ("max(impressions_kpi_freshness_ratio)", "no KPIs yet"),
        ("max(impressions_sink_lag)", "no sink reports"),
        ("max(impressions_collector_waiting_bytes)", "no collector reports"),
        ("max(impressions_broker_away_seconds)", "nothing reports"),
    ],
)
def test_the_reason_for_no_data_is_that_of_whoever_exports_it(expr: str, reason: str) -> None:
    assert why_empty(metric(expr, "x"), short=True) == reason
    assert why_empty(series("SELECT 1"), short=True) == "nothing yet"
