"""I2: the ledger balances, line by line and partition by partition."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from oracle.rows import Accepted, LedgerRow, Rejected
from oracle.verdict import Difference

Row = Sequence[Any]

_COUNTS = ("received", "accepted", "duplicates", "rejected", "forwarded")


def check_ledger(
    ledger: Iterable[Row], impressions: Iterable[Row], rejected: Iterable[Row], received: Iterable[Row]
) -> Iterable[Difference]:
    """Compare the rows that readers see with each other. `received` has the expected rows of the ledger."""
    lines = Difference("I2", "lines of the ledger")
    sums: defaultdict[tuple[str, int], Counter[str]] = defaultdict(Counter)
    where = [LedgerRow._fields.index(name) for name in _COUNTS]
    for row in ledger:
        counts = dict(zip(_COUNTS, (row[at] for at in where), strict=True))
        sums[row[0], row[1]].update(counts)
        if counts["received"] != sum(counts[name] for name in _COUNTS[1:]):
            lines.wrong += 1
            lines.example(f"{tuple(row[:4])}: {counts}")
    yield lines
    shown = {
        "accepted": _by_partition(impressions, Accepted._fields),
        "rejected": _by_partition(rejected, Rejected._fields),
        "received": _sum_received(received),
    }
    partitions = set(sums).union(*shown.values())
    for topic_id, partition in sorted(partitions):
        difference = Difference("I2", f"ledger of partition {partition} of {topic_id}")
        for name, counts_shown in shown.items():
            says, there = sums[topic_id, partition][name], counts_shown[topic_id, partition]
            if says != there:
                difference.wrong += 1
                difference.example(f"{name}: the ledger says {says}, there are {there}")
        yield difference


def _by_partition(rows: Iterable[Row], columns: Sequence[str]) -> Counter[tuple[str, int]]:
    topic_id, partition = columns.index("source_topic_id"), columns.index("source_partition")
    lines = columns.index("lines") if "lines" in columns else None
    counts: Counter[tuple[str, int]] = Counter()
    for row in rows:
        counts[row[topic_id], row[partition]] += 1 if lines is None else row[lines]
    return counts


def _sum_received(rows: Iterable[Row]) -> Counter[tuple[str, int]]:
    counts: Counter[tuple[str, int]] = Counter()
    for row in rows:
        counts[row[0], row[1]] += row[LedgerRow._fields.index("received")]
    return counts
