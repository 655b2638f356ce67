"""A summary as the demo makes it, for tests of how it is shown."""

from dataclasses import replace

from demo.figures import LATENCY, Counts, Figures
from demo.summary import Summary
from oracle import Difference
from tests.support.imaginary_play import plan_of

KPIS = {
    "duplicate rate": 0.0,
    "lines out of balance": 0.0,
    "batch success": 0.9781,
    "freshness": 0.7213,
    "pool exhaustion": 0.012,
    "freshness hit rate": 0.631,
}
REJECTED = {"malformed": 99, "late": 150, "invalid": 40, "future": 8, "oversize": 2}
EXPECTED = Figures(Counts(2374, 12_345, 9508, 6000, 2500, 299, 150), REJECTED, KPIS)
TABLES = {"impressions": 9508, "ledger": 2374, "rejected": 299, "user_coverage": 480, "forwarded records": 80}
SUMMARY = Summary(
    seed=1,
    impressions=10_000,
    injected=plan_of(1).injected,
    worker_kills=2,
    sent=2990,
    acknowledged=2990,
    acknowledged_p95_ms=12.3,
    expected=EXPECTED,
    found=replace(EXPECTED, kpis={**KPIS, LATENCY: 46.2}),
    comparisons=[Difference("I1", name, expected=rows, actual=rows) for name, rows in TABLES.items()],
    invariants={"event ids that occur twice": 0, "lines out of balance": 0, "duplicates within the window": 0},
    seconds={"start": 8.0, "play": 15.5, "wait": 0.4, "check": 2.25},
)


def with_found(**changes: object) -> Summary:
    """The summary, with other values found in ClickHouse."""
    return replace(SUMMARY, found=replace(SUMMARY.found, **changes))  # type: ignore[arg-type]
