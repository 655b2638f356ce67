"""From the broker's append to a committed row, by rate."""

from typing import Any

from tools.evidence.results import load, size_name, table


def by_rate() -> list[str]:
    """Return each rate, with one and about ten impressions per record."""
    columns = ("impressions/s", "a record", "P50 ms", "P95 ms", "P99 ms", "worker's share of a core")
    return table(columns, map(_cells, load("latency")["steps"]))


def step(rate: float, size: int) -> dict[str, Any]:
    """Return the row of one rate."""
    (found,) = [each for each in load("latency")["steps"] if (each["rate"], each["size"]) == (rate, size)]
    return dict(found)


def _cells(found: dict[str, Any]) -> tuple[str, ...]:
    times = (f"{found['accepted'][name]:,.0f}" for name in ("p50", "p95", "p99"))
    return (f"{found['rate']:,.0f}", size_name(found["size"]), *times, f"{100 * found['cpu']:.0f} %")
