"""The sink: rows a second on a backlog, and how soon rows are readable."""

from typing import Any

from tools.evidence.results import load, size_name, table

READABLE = {
    "impressions_raw": "impressions",
    "ledger_raw": "ledger",
    "accepted, on the topic": "(accepted, on the topic)",
}


def run(name: str) -> dict[str, Any]:
    """Return the last run whose name begins with `name`."""
    return dict([found for key, found in load("sink")["runs"].items() if key.startswith(name)][-1])


def backlog() -> list[str]:
    """Return the runs on a backlog of a worker's output."""
    columns = (
        "a record",
        "rows/s into all tables",
        "lines/s",
        "CPU s per million rows: sink, engine",
        "peak MiB: sink, engine",
    )
    return table(columns, [_cells(run(f"backlog, {size} a record")) for size in (1, 10)])


def _cells(found: dict[str, Any]) -> tuple[str, ...]:
    cpu, peak, programs = found["cpu_seconds_per_million_rows"], found["peak_mib"], ("sink-0", "clickhouse")
    return (
        size_name(found["size"]),
        f"{found['rows_per_second']:,.0f}",
        f"{found['lines_per_second']:,.0f}",
        ", ".join(f"{cpu[name]:.1f}" for name in programs),
        ", ".join(f"{peak[name]:,.0f}" for name in programs),
    )


def latencies() -> dict[str, dict[str, float]]:
    """Return the quantiles (s) from append to readable of what is read, from the longer of the two runs."""
    return dict(run("1,700 impressions/s, 1 a record, for 120 s")["latencies"])


def readable() -> list[str]:
    """Return the times from the broker's append to readable."""
    return table(
        ("readable", "P50 s", "P95 s", "P99 s"),
        [
            (READABLE[name], *(f"{each[key]:.2f}" for key in ("p50", "p95", "p99")))
            for name, each in latencies().items()
        ],
    )
