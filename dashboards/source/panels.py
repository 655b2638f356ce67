"""Panels of each kind, with what all of that kind share. The row sets a panel's place (layout.py)."""

from collections.abc import Sequence
from typing import Any

from grafana_foundation_sdk.models import barchart, bargauge, common, heatmap, stat, statetimeline, table, timeseries
from grafana_foundation_sdk.models import dashboard as model
from grafana_foundation_sdk.models.common import LegendDisplayMode, VisibilityMode

from dashboards.source.colours import PLAIN, QUIET
from dashboards.source.empty import no_line, why_empty
from dashboards.source.look import Head, Look
from dashboards.source.overrides import by_name, coloured, fixed, limits, matching
from dashboards.source.promql import level_of
from dashboards.source.queries import ClickHouseQuery, Target
from dashboards.source.scales import plain
from dashboards.source.units import Unit

# As many bars as can be told apart; with these, the interval is a minute for two hours, and longer beyond that.
BARS = 120
# The shortest interval of a graph: a rate over less would show how single scrapes fall between single chunks.
LEAST_INTERVAL = "5s"
CALCS = ("mean", "max", "lastNotNull")
# From this width on, of 24 columns, there is room beside the graph.
WIDE = 12
# As many series have room below the graph.
FEW = 3
REF_IDS = "ABCDEFGH"


def lines(
    head: Head, look: Look, *targets: Target, calcs: Sequence[str] = (), points: int | None = None
) -> model.Panel:
    """Lines over time. A threshold is a dashed line with its words, in the legend like any other.

    `points`: at most that many, where few events make many noisy. Nothing is filled: an area would hide the lines
    behind it. Raises ValueError for a scale beside SQL, which can't draw its lines.
    """
    drawn, first = look.scale.lines if look.scale is not None else (), targets[0]
    levels: list[Target] = []
    if drawn:
        if isinstance(first, ClickHouseQuery):
            raise ValueError(f"The panel {head.title!r} has thresholds that no series can draw.")
        levels += [level_of(first, each.level, each.words) for each in drawn]
    panel = _over_time(head, look, (*targets, *levels), calcs, {"line_width": 2, "fill_opacity": 0})
    assert panel.field_config is not None
    panel.field_config.overrides = [*panel.field_config.overrides, *limits(drawn)]
    panel.max_data_points = points
    return panel


def areas(head: Head, look: Look, *targets: Target) -> model.Panel:
    """Stacked areas over time: parts of a whole. They have no outline, since that of a series at 0 hides those below.

    The first target is at the bottom.
    """
    custom = {"line_width": 0, "fill_opacity": 75, "stacking": _stacked(), "show_points": VisibilityMode.NEVER}
    return _over_time(head, look, targets, (), custom)


def bars(head: Head, look: Look, *targets: Target) -> model.Panel:
    """Counts of each interval, stacked over time, with their sums."""
    custom = {
        "draw_style": common.GraphDrawStyle.BARS,
        "line_width": 0,
        "fill_opacity": 80,
        "stacking": _stacked(),
    }
    panel = _over_time(head, look, targets, ("sum", "max"), custom)
    panel.max_data_points = BARS
    return panel


def number(head: Head, look: Look, target: Target, values: bool = False, text: bool = False) -> model.Panel:
    """One number in the colour of its scale, with its target in words, or a text; with `values`, all of the row.

    Raises ValueError for a single count whose title doesn't say what is counted.
    """
    said = look.scale.target if look.scale is not None else ""
    options = stat.Options(
        graph_mode=common.BigValueGraphMode.NONE,
        color_mode=common.BigValueColorMode.VALUE,
        justify_mode=common.BigValueJustifyMode.CENTER,
        text_mode=common.BigValueTextMode.VALUE_AND_NAME if values or said else common.BigValueTextMode.VALUE,
        # Without field names Grafana only shows numbers.
        reduce_options=common.ReduceDataOptions(values=False, calcs=["lastNotNull"], fields="/.*/" if text else ""),
        orientation=common.VizOrientation.AUTO,
        # The target above the number, however wide the panel is.
        wide_layout=False,
        text=common.VizTextDisplayOptions(title_size=13) if said else None,
    )
    if look.unit.of and not values and look.unit.of not in head.title.lower():
        raise ValueError(f"The title {head.title!r} doesn't say that {look.unit.of} are counted.")
    panel = _panel("stat", head, look, (target,), options, None)
    _defaults(panel).display_name = said or None
    return panel


def rows_table(head: Head, look: Look, target: Target) -> model.Panel:
    """Return a table of the query's rows; `look.overrides` defines how columns are shown."""
    options = table.Options(cell_height=common.TableCellHeight.SM)
    custom = table.FieldConfig(align=common.FieldTextAlignment.AUTO, min_width=60)
    panel = _panel("table", head, look, (target,), options, custom)
    assert panel.field_config is not None
    # Grafana would also put the reason for an empty table into each of its empty cells.
    panel.field_config.overrides = [matching("/.*/", noValue=""), *panel.field_config.overrides]
    return panel


def level(head: Head, look: Look, target: Target) -> model.Panel:
    """Horizontal bars, one per row of the result."""
    options = bargauge.Options(
        display_mode=common.BarGaugeDisplayMode.BASIC,
        value_mode=common.BarGaugeValueMode.COLOR,
        name_placement=common.BarGaugeNamePlacement.LEFT,
        show_unfilled=True,
        reduce_options=common.ReduceDataOptions(values=True, calcs=["lastNotNull"], fields="", limit=25),
        sizing=common.BarGaugeSizing.MANUAL,
        max_viz_height=44,
        text=common.VizTextDisplayOptions(title_size=14, value_size=18),
        orientation=common.VizOrientation.HORIZONTAL,
    )
    return _panel("bargauge", head, look, (target,), options, None)


def groups(head: Head, look: Look, target: Target, by: str) -> model.Panel:
    """Vertical bars, one per row, named by the column `by`; several numbers are stacked."""
    options = barchart.Options(
        x_field=by,
        orientation=common.VizOrientation.VERTICAL,
        stacking=common.StackingMode.NORMAL,
        show_value=VisibilityMode.NEVER,
        bar_width=0.9,
        legend=_legend(LegendDisplayMode.LIST, ()),
        tooltip=_tooltip(),
    )
    custom = barchart.FieldConfig(line_width=0, fill_opacity=80, axis_label=look.unit.of or None)
    return _panel("barchart", head, look, (target,), options, custom)


def heat(head: Head, look: Look, target: Target, cells: Unit) -> model.Panel:
    """Return a histogram over time. `look.unit` is the buckets' unit; a cell counts the values in its bucket.

    The paler a cell, the fewer: one hue, since more is neither better nor worse.
    """
    options = heatmap.Options(
        calculate=False,
        color=heatmap.HeatmapColorOptions(
            mode=heatmap.HeatmapColorMode.SCHEME,
            scheme="Blues",
            fill=PLAIN,
            scale=heatmap.HeatmapColorScale.EXPONENTIAL,
            exponent=0.5,
            steps=32,
        ),
        # Cells that count nothing stay empty.
        filter_values=heatmap.FilterValueRange(le=1e-9),
        rows_frame=heatmap.RowsHeatmapOptions(layout=common.HeatmapCellLayout.AUTO),
        cell_values=heatmap.CellValues(unit=cells.code, decimals=1),
        y_axis=heatmap.YAxisConfig(
            unit=look.unit.code, axis_placement=common.AxisPlacement.LEFT, axis_label=look.unit.of or None
        ),
        legend=heatmap.HeatmapLegend(show=True),
        tooltip=heatmap.HeatmapTooltip(mode=common.TooltipDisplayMode.SINGLE, y_histogram=True),
    )
    return _panel("heatmap", head, look, (target,), options, heatmap.FieldConfig())


def states(head: Head, look: Look, *targets: Target, mappings: list[model.ValueMap]) -> model.Panel:
    """States over time, one line per series, in the colours of the mappings."""
    options = statetimeline.Options(
        show_value=VisibilityMode.AUTO,
        row_height=0.8,
        merge_values=True,
        legend=_legend(LegendDisplayMode.LIST, ()),
        tooltip=_tooltip(),
    )
    custom = statetimeline.FieldConfig(line_width=0, fill_opacity=80)
    panel = _panel("state-timeline", head, look, targets, options, custom)
    _defaults(panel).mappings = list(mappings)
    return panel


def _over_time(
    head: Head, look: Look, targets: Sequence[Target], calcs: Sequence[str], custom: dict[str, Any]
) -> model.Panel:
    """A wide panel has a table of `calcs` (default CALCS) beside the graph, a narrow one below it if any are given.

    With thresholds a narrow one has a list, in which all of them have room.
    """
    limited = look.scale is not None
    few = look.colours is not None and len(look.colours) <= FEW and not limited
    wide = head.size[0] >= WIDE
    field = timeseries.FieldConfig(
        **{
            "draw_style": common.GraphDrawStyle.LINE,
            "line_interpolation": common.LineInterpolation.LINEAR,
            "show_points": VisibilityMode.AUTO,
            "point_size": 5,
            "axis_label": look.unit.of or None,
            "axis_soft_max": look.soft_most,
            "thresholds_style": common.GraphThresholdsStyleConfig(mode=common.GraphThresholdsStyleMode.OFF),
            **custom,
        }
    )
    shown = (() if limited and not wide else calcs) or (CALCS if wide else ())
    legend = _legend(LegendDisplayMode.TABLE if shown else LegendDisplayMode.LIST, shown, beside=wide and not few)
    options = timeseries.Options(legend=legend, tooltip=_tooltip())
    panel = _panel("timeseries", head, look, targets, options, field)
    if not isinstance(targets[0], ClickHouseQuery):
        panel.interval = LEAST_INTERVAL
    return panel


def _panel(
    kind: str, head: Head, look: Look, targets: Sequence[Target], options: object, custom: object | None
) -> model.Panel:
    for ref_id, target in zip(REF_IDS, targets, strict=False):
        target.ref_id = ref_id
    over_time = kind == "timeseries"
    scale = look.scale if look.scale is not None and not over_time else plain()
    meaning = f" {scale.meaning}" if scale.meaning else ""
    defaults = model.FieldConfig(
        unit=look.unit.code,
        decimals=look.decimals,
        min_val=look.least,
        max_val=look.most,
        thresholds=scale.thresholds,
        color=_palette(kind),
        no_value=look.empty or why_empty(targets[0], short=kind == "stat"),
        custom=custom,
    )
    hues = (look.hues or by_name()) if over_time and look.colours is None else ()
    return model.Panel(
        type_val=kind,
        title=head.title,
        description=head.description + meaning + (no_line(tuple(targets)) if over_time else ""),
        datasource=targets[0].datasource,
        targets=list(targets),
        grid_pos=model.GridPos(w=head.size[0], h=head.size[1]),
        options=options,
        field_config=model.FieldConfigSource(
            defaults=defaults, overrides=[*hues, *coloured(look.colours or {}), *look.overrides]
        ),
    )


def _palette(kind: str) -> model.FieldColor:
    """The colour of what has none by its name: its threshold's, or grey, since Grafana's palettes mean good and bad."""
    if kind in ("stat", "bargauge", "state-timeline", "table"):
        return model.FieldColor(mode=model.FieldColorModeId.THRESHOLDS)
    return fixed(QUIET)


def _defaults(panel: model.Panel) -> model.FieldConfig:
    assert panel.field_config is not None
    assert panel.field_config.defaults is not None
    return panel.field_config.defaults


def _stacked() -> common.StackingConfig:
    return common.StackingConfig(mode=common.StackingMode.NORMAL, group="A")


def _legend(mode: LegendDisplayMode, calcs: Sequence[str], beside: bool = False) -> common.VizLegendOptions:
    placement = common.LegendPlacement.RIGHT if beside else common.LegendPlacement.BOTTOM
    # The SDK defaults `showLegend` to false.
    return common.VizLegendOptions(display_mode=mode, placement=placement, show_legend=True, calcs=list(calcs))


def _tooltip() -> common.VizTooltipOptions:
    return common.VizTooltipOptions(mode=common.TooltipDisplayMode.MULTI, sort=common.SortOrder.DESCENDING)
