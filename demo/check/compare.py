"""Compare every view with the recount, and check what must hold of the rows whatever the recount says."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import asdict, fields
from itertools import pairwise
from typing import Any

from demo.check.differences import Comparison, Row, compare_rows
from demo.check.recount_types import Accepted, Artwork, Coverage, LedgerRow, Rejected, Result
from demo.result_reader import ResultReader

LINE = ("source_topic_id", "source_partition", "source_offset", "line")
IMPRESSION = (*LINE, "idx")


def compare(reader: ResultReader, expected: Result) -> list[Comparison]:
    """Return a comparison for each view, all columns that the contract fixes included."""
    return [
        _compare(reader, "impressions", Accepted, expected.accepted, IMPRESSION),
        _compare(reader, "ledger", LedgerRow, expected.ledger, LINE),
        compare_rejected(reader, expected.rejected),
        _compare(reader, "user_coverage", Coverage, expected.coverage, ("user_id", "pool_id")),
        _compare(reader, "artworks", Artwork, expected.artworks, ("artwork_id",)),
    ]


def compare_rejected(reader: ResultReader, expected: Iterable[Rejected]) -> Comparison:
    """Compare `rejected`. Its `detail` is for people: it must say something, but not what the recount says."""
    found = [row | {"detail": bool(row["detail"])} for row in reader.rows("rejected", _columns(Rejected))]
    wanted = [asdict(row) | {"detail": True} for row in expected]
    return compare_rows("rejected", wanted, found, IMPRESSION)


def invariants(reader: ResultReader, window_ms: int) -> dict[str, int]:
    """Return how many rows break what must hold of the views themselves; all 0 is right."""
    ids = reader.one("SELECT count() - uniqExact(event_id) AS repeated FROM impressions")
    balance = reader.one(
        "SELECT countIf(received != accepted + duplicates + rejected + forwarded) AS unbalanced FROM ledger"
    )
    seen = reader.rows("impressions", ["user_id", "artwork_id", "seen_at"])
    return {
        "event_id not unique": int(ids["repeated"]),
        "line out of balance": int(balance["unbalanced"]),
        "duplicate in the window": duplicates_left(seen, window_ms),
    }


def duplicates_left(rows: Iterable[Row], window_ms: int) -> int:
    """Return how many impressions lie less than the window after another of their user and artwork."""
    times: dict[tuple[str, str], list[int]] = defaultdict(list)
    for row in rows:
        times[row["user_id"], row["artwork_id"]].append(row["seen_at"])
    return sum(
        later - earlier < window_ms for moments in times.values() for earlier, later in pairwise(sorted(moments))
    )


def _compare(
    reader: ResultReader, view: str, kind: type[Any], expected: Iterable[Any], key: tuple[str, ...]
) -> Comparison:
    return compare_rows(view, [asdict(row) for row in expected], reader.rows(view, _columns(kind)), key)


def _columns(kind: type[Any]) -> list[str]:
    return [column.name for column in fields(kind)]
