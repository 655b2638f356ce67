"""The KPIs of a played log, from what readers see in ClickHouse and the delivery reports of the producers."""

from collections import Counter
from dataclasses import dataclass
from math import ceil

from demo.player import Deliveries
from oracle.views import Views

# The coverage from which the contract calls a pool almost exhausted.
EXHAUSTED = 0.95


@dataclass(frozen=True, slots=True)
class Kpis:
    """Counts are of impressions unless named otherwise; shares are from 0 to 1; latencies are in ms."""

    lines: int
    received: int
    accepted: int
    fresh: int
    duplicates: int
    rejected: int
    rejected_by_reason: dict[str, int]
    forwarded: int
    duplicate_rate: float
    users: int
    mean_coverage: float
    mean_freshness: float
    users_exhausted: float
    batch_success: float
    records: int
    p95_acknowledged_ms: float
    p95_decided_ms: float


def read_kpis(views: Views, deliveries: Deliveries, duplicates_left: int) -> Kpis:
    """Return the KPIs. `duplicates_left` is how many accepted impressions are within the window of another."""
    names = ("lines", "received", "accepted", "fresh", "duplicates", "rejected", "forwarded")
    sums = "sum(lines), sum(received), sum(accepted), sum(fresh), sum(duplicates), sum(rejected), sum(forwarded)"
    ledger = dict(zip(names, map(int, views.rows(f"SELECT {sums} FROM ledger")[0]), strict=True))
    decided = views.rows("SELECT dateDiff('millisecond', appended_at, processed_at) FROM ledger")
    reasons = Counter(reason for (reason,) in views.rows("SELECT reason FROM rejected"))
    coverage = views.rows("SELECT user_id, coverage FROM user_coverage")
    users = {user_id for user_id, _ in coverage}
    exhausted = {user_id for user_id, share in coverage if share >= EXHAUSTED}
    mean = sum(share for _, share in coverage) / max(1, len(coverage))
    return Kpis(
        **ledger,
        rejected_by_reason=dict(reasons.most_common()),
        duplicate_rate=duplicates_left / max(1, ledger["accepted"]),
        users=len(users),
        mean_coverage=mean,
        mean_freshness=1 - mean,
        users_exhausted=len(exhausted) / max(1, len(users)),
        batch_success=deliveries.success,
        records=deliveries.records,
        p95_acknowledged_ms=percentile_95(deliveries.milliseconds),
        p95_decided_ms=percentile_95([each for (each,) in decided]),
    )


def percentile_95(values: list[float]) -> float:
    """Return the smallest value that 95 % of the values don't exceed; 0 for none."""
    return sorted(values)[ceil(0.95 * len(values)) - 1] if values else 0.0
