"""The tables of runs, made from their figures as JSON: for the terminal, and for the page with the evidence."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

Figures = Mapping[str, Any]
Table = tuple[Sequence[str], list[Sequence[str]]]

# Short, or a table would be wider than a page.
TITLES = {
    "few": "100 users",
    "rate": "the crowd",
    "kills": "collector killed",
    "rolling": "rolling restart",
}
PROGRAMS = {
    "kafka": "broker",
    "clickhouse": "ClickHouse's engine",
    "worker-0": "worker",
    "sink-0": "sink",
    "collector-0": "collector",
    "collector-1": "second collector",
    "proxy": "proxy",
    "generator": "the users",
}
QUANTILES = ("p50", "p95", "p99", "max")


def outcomes(runs: Figures) -> Iterator[tuple[str, Figures]]:
    """Yield the title and the outcome of each run that was played, but for the search."""
    for name, title in TITLES.items():
        if "outcome" in runs.get(name, {}):
            yield title, runs[name]["outcome"]


def recording(runs: Figures) -> Table:
    """How long recording took: from when a flush was due to its 202."""
    columns = ("run", "users", "impressions a minute", "P50 ms", "P95 ms", "P99 ms", "max ms", "flushes a record")
    return columns, [
        (
            title,
            f"{each['users']:,}",
            f"{each['per_minute']:,.0f}",
            *_times(each["recording"]),
            f"{each['packing']['flushes_a_record']:.2f}",
        )
        for title, each in outcomes(runs)
    ]


def ledgers(runs: Figures) -> Table:
    """What the users recorded, and what of it is in ClickHouse."""
    columns = ("run", "recorded", "to be accepted", "rows", "lost", "double", "sent again", "ledger")
    return columns, [_ledger(title, each["verdict"]) for title, each in outcomes(runs)]


def shown(runs: Figures) -> Table:
    """How long it took until the read API showed what was seen."""
    columns = ("run", "from", "P50 ms", "P95 ms", "P99 ms", "max ms", "of")
    rows: list[Sequence[str]] = []
    for title, each in outcomes(runs):
        found = {name: times for name, times in each["shown"].items() if not name.startswith("read of")}
        named = {"seen to acknowledged": each["seen"], **found}
        rows += [(title, name, *_times(times), f"{times['count']:,}") for name, times in named.items()]
        if not found:
            rows.append((title, "there was no read API", "", "", "", "", ""))
    return columns, rows


def programs(runs: Figures) -> Table:
    """What each program used: cores on average, and the peak of its memory (MiB)."""
    found = dict(outcomes(runs))
    columns = ("cores / peak MiB", *found)
    names = [name for name in PROGRAMS if any(name in each["used"] for each in found.values())]
    return columns, [(PROGRAMS[name], *(_used(each["used"].get(name)) for each in found.values())) for name in names]


def happened(runs: Figures) -> Table:
    """What the users were answered, and what else happened to them."""
    found = dict(outcomes(runs))
    counts = {title: {**each["requests"], **each["happened"]} for title, each in found.items()}
    for title, each in found.items():
        counts[title]["kills or restarts"] = len(each["events"])
        counts[title]["flushes sent again"] = each["sent_again"]
    names = sorted({name for each in counts.values() for name, count in each.items() if count})
    rows: list[Sequence[str]] = [(name, *(f"{each.get(name, 0):,}" for each in counts.values())) for name in names]
    return ("answers, and what else happened", *found), rows


def rates(runs: Figures) -> Table:
    """The search for the highest rate."""
    columns = ("impressions a minute", "P50 ms", "P95 ms", "P99 ms", "max ms", "held", "flushes a record", "collector")
    steps = sorted(runs.get("highest", {}).get("steps", ()), key=lambda step: step["rate"])
    return columns, [
        (
            f"{step['rate']:,.0f}",
            *_times(step["outcome"]["recording"]),
            "yes" if step["held"] else "no",
            f"{step['outcome']['packing']['flushes_a_record']:.2f}",
            _used(step["outcome"]["used"].get("collector-0")),
        )
        for step in steps
    ]


TABLES = (recording, ledgers, shown, programs, happened, rates)


def _ledger(title: str, verdict: Figures) -> Sequence[str]:
    numbers = (f"{verdict[name]:,}" for name in ("recorded", "expected", "found", "lost", "double", "lines_again"))
    state = "balanced" if verdict["right"] else "balanced, but not right" if verdict["balanced"] else "NOT BALANCED"
    return (title, *numbers, state)


def _times(quantiles: Figures) -> Iterable[str]:
    return (f"{quantiles[name]:,.1f}" for name in QUANTILES)


def _used(used: Figures | None) -> str:
    return f"{used['cores']:.2f} / {used['peak_mib']:,.0f}" if used else ""
