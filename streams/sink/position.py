"""Where the sink starts to read a partition: pure functions of what ClickHouse holds, Kafka has, and was committed.

The rows decide: the sink starts after what all tables of a feed hold. A commit is written after the rows, so it adds
only what rows can't say: that rows after it were there once (and are gone), that a person chose where to go on, and
where a log began when it was first read. All of it counts only for the log that it came from: a topic that was deleted
and re-created has another id, and starts from scratch. Therefore every commit carries the topic's id as its metadata.
"""

from collections.abc import Sequence
from typing import NamedTuple, Self


class Committed(NamedTuple):
    """The group's committed offset, the next to read. `topic_id` is empty if someone else set it, by hand.

    `floor`: rows of offsets before it need not exist; they were never read, or given up. `cut`: the log lost its end,
    and until it is read up to here, rows can't be told from those of the lost end.
    """

    offset: int
    topic_id: str
    floor: int = 0
    cut: int = 0

    @property
    def metadata(self) -> str:
        """The commit's metadata: the topic's id; then `floor` and `cut`, where there are any."""
        numbers = (self.floor, self.cut) if self.cut else (self.floor,) if self.floor else ()
        return " ".join([self.topic_id, *map(str, numbers)])

    @classmethod
    def read(cls, offset: int, metadata: str | None) -> Self:
        """Read what the broker returned. Metadata that is not ours counts as a commit of another log."""
        topic_id, *numbers = (metadata or "").split(" ")
        if len(numbers) > 2 or not all(number.isdecimal() for number in numbers):
            return cls(offset, metadata or "")
        return cls(offset, topic_id, *map(int, numbers))


class Held(NamedTuple):
    """What the tables hold of a partition of a log, by their newest offsets; None: no row.

    `newest` is the position table's, `fresh` that of its rows which the set tables have too, `sets` the set tables'.
    """

    newest: int | None = None
    fresh: int | None = None
    sets: Sequence[int | None] = ()

    @property
    def next(self) -> int:
        """The offset after the last one up to which every table has its rows; 0 if there is none."""
        lagging = [_after(each) for each in self.sets if _after(each) < _after(self.fresh)]
        return min([_after(self.newest), *lagging])

    @property
    def end(self) -> int:
        """The offset after the newest row of any table."""
        return max(map(_after, (self.newest, *self.sets)))


class Start(NamedTuple):
    """Where to start; how many offsets were lost, deleted before they were read; what to commit from now on."""

    offset: int
    lost: int = 0
    floor: int = 0
    cut: int = 0


class Refused(NamedTuple):
    """The partition must not be read; `why` is a sentence that says how to go on."""

    why: str


WAY_OUT = (
    "restore ClickHouse's backup; or accept the loss: stop the sinks, and set the offset of group impressions-sink "
    "by hand to where they are to go on"
)


def start_position(topic_id: str, committed: Committed | None, held: Held, low: int, high: int) -> Start | Refused:
    """Return where to start in a log that holds the offsets from `low` up to but not including `high`.

    * The rows decide, whatever the commit says. Rows that lag a commit are read again.
    * If Kafka has them no more, or if the log ends before what was read, a person must decide.
    * A commit of another log is ignored. One that was set by hand counts if it lies within this log: a later one gives
      up the records before it, an earlier one changes nothing.
    * Records that retention deleted before they were read are lost: start at `low`, and return how many.
    """
    if committed is None or committed.topic_id not in ("", topic_id):
        committed = None
    elif committed.topic_id == "":
        if committed.offset > high:
            committed = None
        elif held.end > high:
            return Start(max(committed.offset, low), floor=committed.offset, cut=held.end)
        else:
            committed = Committed(committed.offset, "", floor=committed.offset)
    if committed is None:
        committed = Committed(0, topic_id)
        if held.end == 0:
            return Start(low, floor=low)
    by_hand = committed.topic_id == ""
    if committed.offset < committed.cut:
        wanted = read = end = committed.offset
        floor, cut = committed.floor, committed.cut
    else:
        wanted, cut = max(held.next, committed.floor), 0
        read = max(_after(held.newest), 0 if by_hand else committed.offset)
        end = max(read, held.end)
        # Once the rows have passed it, it would only hide a loss.
        floor = committed.floor if committed.floor > held.next else 0
    if end > high:
        return Refused(f"the log ends at offset {high}, and was read up to {end} before: {WAY_OUT}")
    if wanted >= low:
        return Start(wanted, floor=floor, cut=cut)
    if read > wanted and not by_hand:
        return Refused(
            f"rows from offset {wanted} on are gone from ClickHouse, and Kafka has them only from {low} on: {WAY_OUT}"
        )
    return Start(low, lost=low - wanted, floor=low, cut=cut)


def _after(newest: int | None) -> int:
    return 0 if newest is None else newest + 1
