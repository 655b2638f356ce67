"""The KPIs of a played log, from what readers see in ClickHouse and what the producers were told."""

from collections import Counter
from dataclasses import dataclass
from math import ceil

from demo.player import Deliveries
from demo.result_reader import ResultReader

# The contract's threshold for a pool that is all but exhausted.
EXHAUSTED = 0.95


@dataclass(frozen=True, slots=True)
class Kpis:
    """Counts of impressions unless said otherwise; shares from 0 to 1; latencies in ms."""

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


def read_kpis(reader: ResultReader, deliveries: Deliveries, duplicates_left: int) -> Kpis:
    """Return the KPIs. `duplicates_left` is how many accepted impressions are within the window of another."""
    ledger = reader.one(
        "SELECT count() AS lines, sum(received) AS received, sum(accepted) AS accepted, sum(fresh) AS fresh,"
        " sum(duplicates) AS duplicates, sum(rejected) AS rejected, sum(forwarded) AS forwarded FROM ledger"
    )
    # In milliseconds by readers' own arithmetic, whatever the columns' type.
    decided = [
        row["processed_at"] - row["appended_at"] for row in reader.rows("ledger", ["processed_at", "appended_at"])
    ]
    reasons = Counter(row["reason"] for row in reader.rows("rejected", ["reason"]))
    coverage = reader.rows("user_coverage", ["user_id", "coverage"])
    users = {row["user_id"] for row in coverage}
    exhausted = {row["user_id"] for row in coverage if row["coverage"] >= EXHAUSTED}
    mean = sum(row["coverage"] for row in coverage) / max(1, len(coverage))
    return Kpis(
        **{name: int(value) for name, value in ledger.items()},
        rejected_by_reason=dict(reasons.most_common()),
        duplicate_rate=duplicates_left / max(1, int(ledger["accepted"])),
        users=len(users),
        mean_coverage=mean,
        mean_freshness=1 - mean,
        users_exhausted=len(exhausted) / max(1, len(users)),
        batch_success=deliveries.success,
        records=deliveries.records,
        p95_acknowledged_ms=percentile_95(deliveries.milliseconds),
        p95_decided_ms=percentile_95(decided),
    )


def percentile_95(values: list[float]) -> float:
    """Return the smallest value that 95 % of the values don't exceed; 0 for none."""
    return sorted(values)[ceil(0.95 * len(values)) - 1] if values else 0.0
