"""The worker's cost as one thing grows, and what a rebalance costs."""

from collections.abc import Iterator

from tools.evidence.results import load, table

GROWS = {"window_seconds": "window (s)", "size": "impressions a record"}


def costs() -> list[str]:
    """Return each sweep, point by point."""
    columns = ("what grows", "to", "impressions/s", "CPU µs an impression: worker", "broker", "worker MiB")
    return table(columns, _points())


def _points() -> Iterator[tuple[str, ...]]:
    for name, points in load("scale")["sweeps"].items():
        for number, point in enumerate(points):
            yield (
                "" if number else GROWS.get(name, name),
                f"{point['shape'][name]:,}",
                f"{point['rate']:,.0f}",
                f"{point['cpu_us']:.1f}",
                f"{point['broker_us']:.1f}",
                f"{point['peak_mib']:,.0f}",
            )


def rebalances() -> list[str]:
    """Return what happens when a second worker joins and leaves."""
    columns = ("what happens", "settled after s", "longest silence of a partition s", "P50 ms", "P99 ms", "max ms")
    return table(
        columns,
        [
            (
                each["what"],
                f"{each['settled']:.1f}",
                f"{max(each['silences']):.2f}",
                *(f"{each['latency'][key]:,.0f}" for key in ("p50", "p99", "max")),
            )
            for each in load("scale")["rebalance"]
        ],
    )
