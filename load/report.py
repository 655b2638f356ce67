"""The tables of runs, made from their figures as JSON: for the terminal, and for the page with the evidence."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

Figures = Mapping[str, Any]
Table = tuple[Sequence[str], list[Sequence[str]]]

TITLES = {
    "few": "5,000 impressions of 100 users in a minute",
    "rate": "the wanted rate",
    "kills": "the collector killed again and again",
    "rolling": "two collectors replaced in turn, behind a proxy",
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
    columns = ("run", "from", "P50 ms", "P95 ms", "P99 ms", "max ms", "watched")
    rows: list[Sequence[str]] = []
    for title, each in outcomes(runs):
        found = {name: times for name, times in each["shown"].items() if not name.startswith("read of")}
        rows += [(title, name, *_times(times), f"{times['count']:,}") for name, times in found.items()]
        if not found:
            rows.append((title, "there was no read API", "", "", "", "", ""))
    return columns, rows


def programs(runs: Figures) -> Table:
    """What each program used: cores on average, and the peak of its memory."""
    found = dict(outcomes(runs))
    columns = ("program", *found)
    names = [name for name in PROGRAMS if any(name in each["used"] for each in found.values())]
    return columns, [(PROGRAMS[name], *(_used(each["used"].get(name)) for each in found.values())) for name in names]


def answers(runs: Figures) -> Table:
    """What the users were answered, and what else happened to them."""
    columns = ("run", "answers", "what else happened")
    return columns, [
        (title, _counts(each["requests"]), "; ".join([_counts(each["happened"]), *each["events"]]))
        for title, each in outcomes(runs)
    ]


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


TABLES = (recording, ledgers, shown, programs, answers, rates)


def _ledger(title: str, verdict: Figures) -> Sequence[str]:
    numbers = (f"{verdict[name]:,}" for name in ("recorded", "expected", "found", "lost", "double", "lines_again"))
    state = "balanced" if verdict["right"] else "balanced, but not right" if verdict["balanced"] else "NOT BALANCED"
    return (title, *numbers, state)


def _times(quantiles: Figures) -> Iterable[str]:
    return (f"{quantiles[name]:,.1f}" for name in QUANTILES)


def _used(used: Figures | None) -> str:
    return f"{used['cores']:.2f} cores, {used['peak_mib']:,.0f} MiB" if used else ""


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name}: {count:,}" for name, count in counts.items())
