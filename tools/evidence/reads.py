"""How soon the read API answers, and how far behind the log its answers are."""

from typing import Any

from tools.evidence.results import RESULTS, load, table

ROUNDS = {"unknown": "nobody was asked for before", "mixed": "some again and again", "known": "all in memory"}
ROUNDS |= {"tags": "all in memory, with tags"}
STEPS = {"coverage": "shown by coverage", "unseen": "shown by unseen", "decided": "the worker has appended it"}
STEPS |= {"committed": "readers of committed records get it", "answered": "the collector shows it"}
QUANTILES = ("p50", "p95", "p99")


def answers() -> list[str]:
    """Return how long answers take, by who is asked for."""
    columns = ("impressions", "users", "call", "P50 ms", "P95 ms", "P99 ms", "CPU ms: collector", "engine")
    return _table(columns, _answers)


def delays() -> list[str]:
    """Return how long an appended impression takes until answers have it, and where that time goes."""
    return _table(("impressions", "until", "P50 ms", "P95 ms", "P99 ms"), _delays)


def _table(columns: tuple[str, ...], rows_of: Any) -> list[str]:
    if not (RESULTS / "reads.json").exists():
        return ["Not measured yet: `python -m bench.reads` writes the figures, and `make schemas` this table."]
    runs: dict[str, Any] = load("reads")["runs"]
    sizes = sorted(runs, key=int)
    return table(columns, (row for size in sizes for row in rows_of(f"{int(size):,}", runs[size])))


def _answers(size: str, run: dict[str, Any]) -> list[tuple[str, ...]]:
    rows = []
    for name, users in ROUNDS.items():
        found = run["rounds"][name]
        cost = tuple(f"{found['cpu_ms'][who]:.1f}" for who in ("collector", "engine"))
        for call, figures in sorted(found["calls"].items()):
            rows.append((size, users, call, *(f"{figures[each]:.1f}" for each in QUANTILES), *cost))
    return rows


def _delays(size: str, run: dict[str, Any]) -> list[tuple[str, ...]]:
    return [(size, what, *(f"{run['delays'][step][each]:.0f}" for each in QUANTILES)) for step, what in STEPS.items()]
