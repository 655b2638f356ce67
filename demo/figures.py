"""The numbers of a played log, twice: as the recount expects them, and as ClickHouse shows them.

The KPIs have the names and definitions of docs/reference/kpis.md. What ClickHouse shows is its own view `kpis`; what
is expected is worked out here, from the recount's rows, by the page's words.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from demo.invariants import duplicates_left
from oracle import Expected
from oracle.views import Views

# The KPIs that follow from the log alone. The others of the page are P95 latency, which the machine decides, and the
# cost per impression, which prices and the time of day decide.
DUPLICATES, UNBALANCED, SUCCESS = "duplicate rate", "lines out of balance", "batch success"
FRESHNESS, EXHAUSTION, HIT_RATE = "freshness", "pool exhaustion", "freshness hit rate"
LATENCY = "P95 latency"
# From this coverage on a pool is exhausted, and so many attempts of a line count, as the page has it.
EXHAUSTED = 0.95
MOST_ATTEMPTS = 100_000


class Counts(NamedTuple):
    """Sums of the ledger: lines, and impressions by what became of them."""

    lines: int
    received: int
    accepted: int
    fresh: int
    duplicates: int
    rejected: int
    forwarded: int


@dataclass(frozen=True, slots=True)
class Figures:
    """Shares are from 0 to 1, latencies in ms. A KPI of which there is nothing to count is None or absent."""

    counts: Counts
    rejected: Mapping[str, int]
    """By reason."""
    kpis: Mapping[str, float | None]


def recounted(rows: Expected, window_ms: int) -> Figures:
    """Return what the recount's rows lead to."""
    ledger = rows.ledger
    counts = Counts(
        sum(row.lines for row in ledger), *(sum(getattr(row, name) for row in ledger) for name in Counts._fields[1:])
    )
    reasons = Counter[str]()
    for refusal in rows.rejected:
        reasons[refusal.reason] += refusal.lines
    attempts = sum(min(row.attempts, MOST_ATTEMPTS) for row in ledger)
    failures = sum(min(row.failures, row.attempts, MOST_ATTEMPTS) for row in ledger)
    doubled = duplicates_left(((row.user_id, row.artwork_id, row.seen_at) for row in rows.impressions), window_ms)
    unbalanced = sum(
        row.lines for row in ledger if row.received != row.accepted + row.duplicates + row.rejected + row.forwarded
    )
    kpis = {
        DUPLICATES: _share(doubled, counts.accepted),
        UNBALANCED: float(unbalanced),
        SUCCESS: None if not attempts else 1 - failures / attempts,
        FRESHNESS: _share(sum(row.freshness for row in rows.coverage), len(rows.coverage)),
        EXHAUSTION: _share(sum(row.coverage >= EXHAUSTED for row in rows.coverage), len(rows.coverage)),
        HIT_RATE: _share(counts.fresh, counts.accepted),
    }
    return Figures(counts, dict(reasons), kpis)


def found(views: Views) -> Figures:
    """Return what readers of ClickHouse see. Its rollups must be up to date."""
    sums = ", ".join(f"sum({name})" for name in Counts._fields)
    (ledger,) = views.rows(f"SELECT {sums} FROM ledger")
    reasons = views.rows("SELECT reason, sum(lines) FROM rejected GROUP BY reason")
    kpis = views.rows("SELECT kpi, value FROM kpis")
    return Figures(Counts(*map(int, ledger)), {reason: int(count) for reason, count in reasons}, dict(map(tuple, kpis)))


def _share(part: float, whole: int) -> float | None:
    return part / whole if whole else None
