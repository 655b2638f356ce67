"""Turn rows in order of time into flushes, as the app would have cut them at that time."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from impression_streams.encode import check_flush
from impression_streams.flush import Flush
from impression_streams.ids import derived_id, new_id, now_ms
from streams.produce.rows import Row
from streams.produce.timeline import Timeline


@dataclass(slots=True, eq=False)
class Batch:
    """Rows of one user and session that are sent together at `at` (ms, the play's clock)."""

    at: int
    reason: str
    rows: list[Row] = field(default_factory=list)


def batches(rows: Iterable[Row], timeline: Timeline, size: int, interval_ms: int) -> Iterator[Batch]:
    """Yield batches in the order of `at`; every row is in exactly one.

    A batch is sent when it has `size` rows, or once `interval_ms` of the play's time have passed since its first
    row. The wall clock plays no part, so a play gives the same flushes at any speed. Rows that were read from whole
    flushes stay together and are sent with the last of them.
    """
    open_: dict[object, Batch] = {}  # by user and session; the first is always due first
    whole: dict[object, Batch] = {}
    at = 0
    for row in rows:
        at = timeline.map(row.seen_at)
        while open_ and (first := next(iter(open_.items())))[1].at <= at:
            yield open_.pop(first[0])
        if row.envelope is not None:
            batch = whole.setdefault(id(row.envelope), Batch(at, ""))
            batch.rows.append(row)
            if len(batch.rows) == row.envelope.size:
                batch.at = at
                yield whole.pop(id(row.envelope))
            continue
        key = (row.user_id, row.session_id)
        batch = open_.setdefault(key, Batch(at + interval_ms, "timer"))
        batch.rows.append(row)
        if len(batch.rows) == size:
            batch.at, batch.reason = at, "size"
            yield open_.pop(key)
    for batch in whole.values():  # cut short by a limit
        batch.at = at
        yield batch
    yield from open_.values()


def make_flush(batch: Batch, timeline: Timeline, tier: str = "free", new_ids: bool = False) -> Flush:
    """Return a batch's flush, sent now. Its flush_id is derived from its impressions' ids, or new with `new_ids`.

    A flush that was read whole keeps its fields except the times, and keeps its flush_id unless `new_ids`.
    """
    first = batch.rows[0]
    impressions: list[dict[str, Any]] = [{**row.fields, "seen_at": timeline.map(row.seen_at)} for row in batch.rows]
    if first.envelope is not None:
        header = dict(first.envelope.header)
    else:
        header = {
            "v": 1,
            "user_id": first.user_id,
            "transport": "replay",
            "reason": batch.reason,
            "tier": tier,
            "flush_id": derived_id("flush", *(row.fields["impression_id"] for row in batch.rows)),
        }
        if first.session_id:
            header["session_id"] = first.session_id
    if new_ids:
        header["flush_id"] = new_id()
    return check_flush({**header, "sent_at": now_ms(), "impressions": impressions})
