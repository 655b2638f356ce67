"""Everything on one machine: latencies, each program's share, and the highest rate that is held."""

from typing import Any

from tools.evidence.results import load, table

LATENCIES = {
    "accepted": "accepted row, `read_committed`",
    "coverage": "coverage row, `read_committed`",
    "readable": "readable in ClickHouse",
}
PROGRAMS = {"kafka": "broker", "clickhouse": "ClickHouse's engine", "worker-0": "worker", "sink-0": "sink"}


def base() -> dict[str, Any]:
    """Return the run of ten minutes."""
    return dict(load("end_to_end")["base"])


def latencies() -> list[str]:
    """Return how long an impression takes."""
    return table(
        ("from append to", "P50 ms", "P95 ms", "P99 ms", "max ms"),
        [
            (LATENCIES[name], *(f"{each[key]:,.0f}" for key in ("p50", "p95", "p99", "max")))
            for name, each in base()["latencies"].items()
        ],
    )


def programs() -> list[str]:
    """Return each program's share of the machine."""
    cores, peak = base()["cores"], base()["peak_mib"]
    used = [(PROGRAMS.get(name, name), f"{each:.2f}", f"{peak[name]:,.0f}") for name, each in cores.items()]
    return table(("program", "cores", "peak MiB"), [*used, ("all", f"{sum(cores.values()):.2f}", "")])


def highest() -> float:
    """Return the highest rate that was held (impressions/s)."""
    return float(max(each["rate"] for each in load("end_to_end")["steps"] if each["held"]))


def rates() -> list[str]:
    """Higher rates, half a minute each."""
    return table(
        ("impressions/s", "readable behind by, in each third s", "held", "cores used"),
        [
            (
                f"{each['rate']:,.0f}",
                " / ".join(f"{age:.1f}" for age in each["ages"]),
                "yes" if each["held"] else "no",
                f"{sum(each['cpu'].values()):.2f}",
            )
            for each in sorted(load("end_to_end")["steps"], key=lambda each: each["rate"])
        ],
    )
