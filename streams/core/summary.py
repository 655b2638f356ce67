"""What the metrics say of a chunk, gathered from its rows a part at a time, in few steps a row."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from msgspec import Struct

from streams.core.rows import Accepted, Ledger, Tally


class Delivery(Struct, gc=False):
    """What producers say of their own deliveries: attempts, those that failed, impressions that they gave up on."""

    attempts: int = 0
    failures: int = 0
    dropped: int = 0


@dataclass(slots=True)
class Summary:
    """Counts and times of what was judged. A batch is a flush, or a line that could not be read as one."""

    total: Tally = field(default_factory=Tally)
    whole: int = 0  # batches of which nothing was rejected
    partial: int = 0
    refused: int = 0  # batches of which all was rejected
    forwarded: int = 0  # batches that were sent on, whose size and deliveries are counted where they are judged
    sizes: list[int] = field(default_factory=list)  # impressions in each batch
    reasons: Counter[str] = field(default_factory=Counter)  # of what was rejected
    deliveries: dict[str, Delivery] = field(default_factory=dict)  # by transport
    seen_at: list[int] = field(default_factory=list)  # of each accepted impression (ms)
    fresh_seen_at: list[int] = field(default_factory=list)  # of each fresh one
    coverage: list[tuple[str, float]] = field(default_factory=list)  # pool and share, of each user who was touched

    def add(self, accepted: Sequence[Accepted], ledger: Sequence[Ledger]) -> None:
        """Take in the rows of a part."""
        self.seen_at += [row.seen_at for row in accepted]
        self.fresh_seen_at += [row.seen_at for row in accepted if row.fresh]
        total = self.total
        total.lines += len(ledger)
        for row in ledger:
            total.received += row.received
            total.accepted += row.accepted
            total.fresh += row.fresh
            total.duplicates += row.duplicates
            total.rejected += row.rejected
            total.forwarded += row.forwarded
            if row.forwarded:
                self.forwarded += 1
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
        delivery.attempts += row.attempts
        delivery.failures += row.failures
        delivery.dropped += row.dropped
