"""What the metrics report about a chunk, gathered from its rows part by part with little work per row."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from msgspec import Struct

from streams.core.rows import Accepted, Ledger, Tally

# What a line counts for at most in sums of what producers report, here and in ClickHouse (migration 0007): they may say
# 2^53 - 1 of anything. A day of attempts, one a second, is 86,400, and the SDK's buffer holds 100,000 impressions.
MOST_REPORTED = 100_000


class Delivery(Struct, gc=False):
    """What producers report about their own deliveries: attempts, failed attempts, impressions they gave up on.

    A line counts for at most MOST_REPORTED of each, and for no more failures than attempts.
    """

    attempts: int = 0
    failures: int = 0
    dropped: int = 0


@dataclass(slots=True)
class Summary:
    """Counts and times of what was decided. A batch is a flush, or a line that could not be read as one."""

    total: Tally = field(default_factory=Tally)
    whole: int = 0  # batches without rejections
    partial: int = 0
    refused: int = 0  # batches rejected entirely
    forwarded: int = 0  # batches sent on; their sizes and deliveries are counted where they are judged
    sizes: list[int] = field(default_factory=list)  # impressions in each batch
    reasons: Counter[str] = field(default_factory=Counter)  # why pieces were rejected
    deliveries: dict[str, Delivery] = field(default_factory=dict)  # by transport
    seen_at: list[int] = field(default_factory=list)  # of each accepted impression (ms)
    fresh_seen_at: list[int] = field(default_factory=list)  # of each fresh one
    coverage: list[tuple[str, float]] = field(default_factory=list)  # pool and share, for each touched user
    uncatalogued: list[str] = field(default_factory=list)  # the artwork of each accepted one that no record has named

    def add(self, accepted: Sequence[Accepted], ledger: Sequence[Ledger]) -> None:
        """Add the rows of a part."""
        self.seen_at += [row.seen_at for row in accepted]
        self.fresh_seen_at += [row.seen_at for row in accepted if row.fresh]
        total = self.total
        for row in ledger:
            total.lines += row.lines
            total.received += row.received
            total.accepted += row.accepted
            total.fresh += row.fresh
            total.duplicates += row.duplicates
            total.rejected += row.rejected
            total.forwarded += row.forwarded
            if row.forwarded:
                self.forwarded += 1
                continue
            if row.lines > 1:
                # Each of them was rejected whole, and counts as one impression.
                self.sizes += [1] * row.lines
                self.refused += row.lines
                continue
            self.sizes.append(row.received)
            if not row.rejected:
                self.whole += 1
            elif row.rejected < row.received:
                self.partial += 1
            else:
                self.refused += 1
            if row.attempts or row.failures or row.dropped:
                self._deliver(row)

    def _deliver(self, row: Ledger) -> None:
        delivery = self.deliveries.get(row.transport)
        if delivery is None:
            delivery = self.deliveries[row.transport] = Delivery()
        attempts, failures, dropped = row.attempts, row.failures, row.dropped
        # Comparing is cheaper than calling min(), and hardly any line is beyond.
        if attempts > MOST_REPORTED or failures > attempts or dropped > MOST_REPORTED:
            attempts = min(attempts, MOST_REPORTED)
            failures, dropped = min(failures, attempts), min(dropped, MOST_REPORTED)
        delivery.attempts += attempts
        delivery.failures += failures
        delivery.dropped += dropped
