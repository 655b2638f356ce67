"""What others get of a collector while many connections are slow."""

from tools.evidence.results import RESULTS, load, table


def beside_slow() -> list[str]:
    """Return the others' latencies beside each kind of slow connections, and what became of those."""
    if not (RESULTS / "loris.json").exists():
        return ["Not measured yet: `python -m bench.loris` writes the figures, and `make schemas` this table."]
    return table(
        ("slow connections", "requests", "P50", "P95", "P99", "collector's CPU", "its memory", "ended with 408"),
        [
            (
                kind,
                f"{each['latency']['count']:,}",
                *(f"{each['latency'][q]:,.1f} ms" for q in ("p50", "p95", "p99")),
                f"{each['cpu']:.0%}",
                f"{each['resident_mib']:,.0f} MiB",
                f"{each['ended'].get('408', 0):,} of {sum(each['ended'].values()):,}" if each["ended"] else "-",
            )
            for kind, each in load("loris")["beside"].items()
        ],
    )
