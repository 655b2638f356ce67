"""Where the sink starts to read a partition: a pure function of what Kafka and ClickHouse know.

Two things remember how far it came: the group's committed offset and the rows themselves. Rows are written before the
offset is committed, so that the rows know more after a crash; records without rows (refused, skipped) are known to the
commit alone. Both are of use only for the log that they were made from: a topic that was deleted and made again has
another id, and starts anew. Therefore every commit carries the topic's id as its metadata.
"""

from typing import NamedTuple


class Committed(NamedTuple):
    """The group's committed offset, the next to read. `topic_id` is empty where someone else set it, by hand."""

    offset: int
    topic_id: str


class Start(NamedTuple):
    """Where to start, and how many offsets were lost before that: deleted unread, or cut off the log's end."""

    offset: int
    lost: int = 0


def start_position(topic_id: str, committed: Committed | None, newest: int | None, low: int, high: int) -> Start:
    """Return where to start in a log that holds the offsets from `low` up to, not including, `high`.

    `newest` is the largest kafka_offset in the position table of the log with this id, None if it has no row.

    * Rows and commit both count: the further one wins.
    * A commit of another log counts for nothing. One set by hand does if it lies within this log: a later one skips,
      an earlier one changes nothing, because what is in ClickHouse is not written again.
    * What retention deleted before it was read is lost: start at `low`, and say how much.
    * A log that ends before what was read lost its end (an unclean broker): what is appended now is new: `high`.
    """
    known = [newest + 1] if newest is not None else []
    if committed is not None:
        by_hand = committed.topic_id == "" and committed.offset <= high
        if committed.topic_id == topic_id or by_hand:
            known.append(committed.offset)
    wanted = max(known, default=low)
    if wanted < low:
        return Start(low, low - wanted)
    if wanted > high:
        return Start(high, wanted - high)
    return Start(wanted)
