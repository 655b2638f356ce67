"""The view in a terminal: never wider than it, never longer, and with what matters most when there is little room."""

import textwrap
import time
from collections.abc import Iterator, Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from streams.top.figures import Figures, Part, Process
from streams.top.units import NONE, bars, number, seconds, share, size

# From this width on, there are two tables beside each other below, and three above.
WIDE = 118
GAP = 3
# A problem is cut after so many lines, and so many problems are shown.
PROBLEM_LINES = 2
MOST_PROBLEMS = 4
MOST_REASONS = 3
FEWEST = 3  # lines of a table: its head, a row, and how many more there are
NAME_WIDTH = 14
# As the alerts have it (s).
LATE_SECONDS = 60.0
_STATES = {"ready": "green", "not ready": "yellow", "stalled": "red", "no answer": "red"}
_HEAD, _DIM = "bold", "dim"


def render(figures: Figures, width: int, height: int, every: float) -> RenderableType:
    """Return what to show in so many columns and lines."""
    top = [_title(figures, width, every), _history(figures, width), *_problems(figures, width), Text()]
    left = height - len(top)
    flow = [_impressions(figures), _latency(figures)]
    if width >= WIDE:
        above = _beside(*flow, _pools(figures, _lines(flow[0])))
        rest = left - _lines(flow[0]) - 1
        below = _beside(_processes(figures.processes, rest), _lag(figures.parts, rest))
        return Group(*top, above, Text(), below)
    sections: list[RenderableType] = [_beside(*flow)]
    left -= _lines(flow[0])
    for table in _stacked(figures, left):
        left -= _lines(table) + 1
        if left >= 0:
            sections += [Text(), table]
    return Group(*top, *sections)


def _stacked(figures: Figures, left: int) -> Iterator[Table]:
    """Yield the tables of one column, which share so many lines; the last ones may not fit."""
    processes = _processes(figures.processes, max(FEWEST, left - 1 - 2 * (FEWEST + 1)))
    yield processes
    left -= _lines(processes) + 3
    for_pools = min(len(figures.pools) + 1, max(FEWEST, left // 2))
    yield _lag(figures.parts, max(FEWEST, left - for_pools))
    yield _pools(figures, for_pools)


def _title(figures: Figures, width: int, every: float) -> Text:
    clock = time.strftime("%H:%M:%S UTC", time.gmtime(figures.at))
    rates = f"rates over {figures.seconds:.0f} s" if figures.seconds else "rates from the second look on"
    text = f" impressions top   {clock}   every {every:g} s, {rates}"
    return Text(f"{text:<{width - 8}}q: quit "[:width], style="reverse", no_wrap=True)


def _history(figures: Figures, width: int) -> Text:
    label = f"received {number(figures.received[0])} per s "
    return Text(label + bars(figures.history, width - len(label) - 1), style="cyan", no_wrap=True)


def _problems(figures: Figures, width: int) -> Iterator[Text]:
    if not figures.problems:
        yield Text(
            f"No problems; {figures.answered} of {len(figures.processes)} processes answer."[:width], style="green"
        )
    for sentence in figures.problems[:MOST_PROBLEMS]:
        lines = textwrap.wrap(sentence, width - 2, max_lines=PROBLEM_LINES, placeholder=" ...")
        yield from (Text(f"{'  ' if number_ else '! '}{line}", style="red") for number_, line in enumerate(lines))
    if (more := len(figures.problems) - MOST_PROBLEMS) > 0:
        yield Text(f"  ... and {more} more", style="red")


def _impressions(figures: Figures) -> Table:
    """What arrives, and what becomes of it."""
    table = _table("Impressions", "per s", "share", "since start")
    rate, total = figures.received
    table.add_row("received", number(rate), "", number(total))
    decided = sum(each for each, _ in figures.outcomes.values() if each is not None)
    for outcome, (each, total) in figures.outcomes.items():
        part = each / decided if each is not None and decided else None
        table.add_row(f"  {outcome}", number(each), share(part), number(total))
    return table


def _latency(figures: Figures) -> Table:
    """How soon after their append impressions are decided and readable, and why some were rejected."""
    table = _table("Latency", "median", "95 %")
    table.add_row("decided", *map(_late, figures.decided))
    table.add_row("readable", *map(_late, figures.readable))
    table.add_row(Text("Rejected as", style=_HEAD), Text("per s", style=_HEAD))
    worst = sorted(figures.reasons.items(), key=lambda reason: -reason[1])
    for reason, rate in worst[:MOST_REASONS]:
        table.add_row(f"  {reason}", number(rate))
    if not worst:
        table.add_row(Text("  nothing", style=_DIM))
    return table


def _processes(processes: Sequence[Process], most: int) -> Table:
    table = _table("Process", "state", "per s", "lag", "behind", "err/s", "CPU", "memory", "up")
    shown = processes if len(processes) < most else processes[: most - 2]
    for process in shown:
        state = Text(process.state, style=_STATES[process.state])
        if not process.kind:
            table.add_row(process.name, state)
            continue
        table.add_row(
            process.name,
            state,
            number(process.rate),
            number(process.lag),
            _late(process.lag_seconds),
            number(process.errors),
            NONE if process.cpu is None else f"{100 * process.cpu:.0f} %",
            size(process.memory),
            seconds(process.up_seconds),
        )
    _and_more(table, len(processes) - len(shown))
    return table


def _lag(parts: Sequence[Part], most: int) -> Table:
    """Return the partitions; if there is no room for all, those that are furthest behind."""
    table = _table("Partition", "to decide", "behind", "to insert", "behind")
    shown = parts
    if len(parts) >= most:
        shown = sorted(parts, key=lambda part: part.behind, reverse=True)[: most - 2]
    for part in shown:
        cells = [cell for side in (part.worker, part.sink) for cell in _distance(side)]
        table.add_row(part.number, *cells)
    if not parts:
        table.add_row(Text("none read", style=_DIM))
    _and_more(table, len(parts) - len(shown))
    return table


def _distance(side: tuple[float, float] | None) -> tuple[str, str | Text]:
    return (NONE, NONE) if side is None else (number(side[0]), _late(side[1]))


def _late(value: float | None) -> str | Text:
    text = seconds(value)
    return Text(text, style="yellow") if value is not None and value > LATE_SECONDS else text


def _pools(figures: Figures, most: int) -> Table:
    table = _table("Pool", "artworks", "users", "active", "coverage", "exhausted")
    pools = figures.pools
    shown = pools if len(pools) < most else pools[: most - 2]
    for pool in shown:
        table.add_row(
            pool.name,
            number(pool.artworks),
            number(pool.users),
            number(pool.active),
            share(pool.coverage),
            share(pool.exhausted),
        )
    if not pools:
        table.add_row(Text("none yet", style=_DIM))
    _and_more(table, len(pools) - len(shown))
    return table


def _table(first: str, *others: str) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), header_style=_HEAD, show_edge=False)
    table.add_column(first, no_wrap=True, overflow="ellipsis", max_width=NAME_WIDTH)
    for name in others:
        table.add_column(name, justify="left" if name == "state" else "right", no_wrap=True)
    return table


def _beside(*tables: Table) -> Table:
    grid = Table.grid(padding=(0, GAP, 0, 0))
    grid.add_row(*tables)
    return grid


def _and_more(table: Table, more: int) -> None:
    if more > 0:
        table.add_row(Text(f"... {more} more", style=_DIM))


def _lines(table: Table) -> int:
    return table.row_count + 1
