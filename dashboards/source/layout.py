"""Rows of panels, laid out on Grafana's 24 columns, with variables and links around them: a dashboard."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count

from grafana_foundation_sdk.models import dashboard as model

COLUMNS = 24
TAG = "impressions"


class Row:
    """A heading and the panels below it, from left to right; a panel that doesn't fit begins a new line.

    A section shows its heading alone until it is opened, and only then asks for its panels' data.
    """

    def __init__(self, title: str, *panels: model.Panel, section: bool = False) -> None:
        self.title, self.panels, self.section = title, panels, section


def section(row: Row) -> Row:
    """Return the row as a section that is closed at first."""
    return Row(row.title, *row.panels, section=True)


@dataclass(frozen=True, slots=True)
class Page:
    """A dashboard's name and ranges: `since` is how far back it shows when opened, like now-6h."""

    uid: str
    title: str
    description: str
    since: str
    refresh: str = "30s"


def build(page: Page, variables: list[model.VariableModel], rows: Sequence[Row]) -> model.Dashboard:
    """Return the dashboard. Raises ValueError if the panels of a line differ in height or leave columns empty."""
    return model.Dashboard(
        uid=page.uid,
        title=page.title,
        description=page.description,
        tags=[TAG],
        editable=False,
        graph_tooltip=model.DashboardCursorSync.CROSSHAIR,
        time=model.DashboardDashboardTime(page.since, "now"),
        refresh=page.refresh,
        links=[_others()],
        templating=model.DashboardDashboardTemplating(list_val=variables),
        panels=_placed(rows),
    )


def _others() -> model.DashboardLink:
    """Link to the other dashboards, by their tag; they open with the same time range and variables."""
    return model.DashboardLink(
        title="Impressions",
        type_val=model.DashboardLinkType.DASHBOARDS,
        icon="dashboard",
        tags=[TAG],
        include_vars=True,
        keep_time=True,
    )


def _placed(rows: Sequence[Row]) -> list[model.Panel | model.RowPanel]:
    placed: list[model.Panel | model.RowPanel] = []
    ids = count(1)
    y = 0
    for row in rows:
        heading = model.RowPanel(
            title=row.title, panels=[], collapsed=row.section, grid_pos=model.GridPos(h=1, w=COLUMNS, x=0, y=y)
        )
        heading.id_val = next(ids)
        placed.append(heading)
        y += 1
        below = y
        for line in _lines(row):
            below = _place(line, ids, below)
        if row.section:
            # They stand where they are once the section is open; what follows is moved down only then.
            heading.panels = list(row.panels)
        else:
            placed += row.panels
            y = below
    return placed


def _lines(row: Row) -> list[list[model.Panel]]:
    lines: list[list[model.Panel]] = [[]]
    for panel in row.panels:
        if sum(_size(each).w for each in lines[-1]) + _size(panel).w > COLUMNS:
            lines.append([])
        lines[-1].append(panel)
    for line in lines:
        if sum(_size(panel).w for panel in line) != COLUMNS or len({_size(panel).h for panel in line}) != 1:
            raise ValueError(f"The panels don't fill a line: {[panel.title for panel in line]}")
    return lines


def _place(line: list[model.Panel], ids: Iterator[int], y: int) -> int:
    """Place the panels of a line side by side, number them, and return where the next line begins."""
    x = 0
    for panel in line:
        panel.id_val = next(ids)
        _size(panel).x, _size(panel).y = x, y
        x += _size(panel).w
    return y + _size(line[0]).h


def _size(panel: model.Panel) -> model.GridPos:
    if panel.grid_pos is None:
        raise ValueError(f"The panel {panel.title!r} has no size.")
    return panel.grid_pos
