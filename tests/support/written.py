"""What the worker writes to its output topics, as rows of the oracle."""

import hashlib

from oracle.rows import Accepted, Coverage, LedgerRow, Rejected
from tests.support.flushes import Row, payload, without


def accepted(row: Row) -> Accepted:
    """A row of `impressions.accepted.v1`. Like the others, this fails on a missing or unknown field."""
    return Accepted(**row)


def ledger(row: Row) -> LedgerRow:
    """A row of `impressions.ledger.v1` without `processed_at`, which is the worker's clock."""
    return LedgerRow(**without(row, "processed_at"))


def rejected(row: Row) -> Rejected:
    """A row of `impressions.rejected.v1`."""
    kept = payload(row)
    digest = hashlib.sha256(kept).hexdigest()
    more = {"payload": digest, "payload_bytes": len(kept), "detail": bool(row["detail"])}
    return Rejected(**without(row, "payload_encoding") | more)


def coverage(row: Row) -> Coverage:
    """A row of `coverage.v1` without `updated_at`."""
    return Coverage(**without(row, "updated_at"))
