"""Where the sink starts, for every combination of what Kafka and ClickHouse may know."""

import pytest

from streams.sink.consumer import Committed
from streams.sink.placing import Start, start_position

ID, OTHER, HAND = "this-log", "another-log", ""

CASES: dict[str, tuple[Committed | None, int | None, int, int, Start]] = {
    # name: committed, newest row, low, high -> start
    "nothing known, an empty log": (None, None, 0, 0, Start(0)),
    "nothing known: everything that is left; what is gone is not counted as lost": (None, None, 40, 100, Start(40)),
    "only a commit": (Committed(50, ID), None, 0, 100, Start(50)),
    "only rows": (None, 49, 0, 100, Start(50)),
    "both agree": (Committed(50, ID), 49, 0, 100, Start(50)),
    "a crash between insert and commit: the rows show more": (Committed(50, ID), 59, 0, 100, Start(60)),
    "records without rows at the end: the commit shows more": (Committed(60, ID), 49, 0, 100, Start(60)),
    "all read": (Committed(100, ID), 99, 0, 100, Start(100)),
    "offset 0 is a row": (None, 0, 0, 100, Start(1)),
    "a commit at 0": (Committed(0, ID), None, 0, 100, Start(0)),
    "a new log, the commit is the old one's": (Committed(50, OTHER), None, 0, 100, Start(0)),
    "a new log that has rows already": (Committed(50, OTHER), 9, 0, 100, Start(10)),
    "a new log shorter than the old commit": (Committed(50, OTHER), None, 0, 10, Start(0)),
    "a rewind by hand changes nothing": (Committed(0, HAND), 49, 0, 100, Start(50)),
    "a skip by hand": (Committed(80, HAND), 49, 0, 100, Start(80)),
    "a skip by hand to the end": (Committed(100, HAND), 49, 0, 100, Start(100)),
    "an unnamed commit beyond the end is not a commit of this log": (Committed(101, HAND), 49, 0, 100, Start(50)),
    "an unnamed commit without rows": (Committed(30, HAND), None, 0, 100, Start(30)),
    "retention was faster than the sink": (Committed(50, ID), 49, 70, 100, Start(70, lost=20)),
    "retention, by the rows alone": (None, 49, 70, 100, Start(70, lost=20)),
    "retention just reached it": (Committed(50, ID), 49, 50, 100, Start(50)),
    "retention has deleted everything": (Committed(50, ID), 49, 100, 100, Start(100, lost=50)),
    "the log lost its end": (Committed(50, ID), 49, 0, 45, Start(45, lost=5)),
    "the log lost its end, by the rows alone": (None, 49, 0, 45, Start(45, lost=5)),
}


@pytest.mark.parametrize("name", CASES)
def test_start_position(name: str) -> None:
    committed, newest, low, high, expected = CASES[name]
    assert start_position(ID, committed, newest, low, high) == expected
