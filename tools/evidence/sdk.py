"""How long an asyncio service waits for an acknowledgement, by producer."""

from tools.evidence.results import load, table


def acknowledgements() -> list[str]:
    """Return each producer's rate, its quantiles and its CPU time."""
    return table(
        ("producer", "flushes/s", "P50 ms", "P95 ms", "P99 ms", "CPU µs a flush"),
        [
            (
                each["what"],
                f"{each['rate']:,.0f}",
                *(f"{each['latency'][q]:,.1f}" for q in ("p50", "p95", "p99")),
                f"{each['cpu_us']:,.0f}",
            )
            for each in load("sdk")["acks"]
        ],
    )
