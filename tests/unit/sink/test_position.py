"""Where the sink starts, for every combination of what ClickHouse, Kafka and the group may know."""

import pytest

from streams.sink.position import Committed, Held, Refused, Start, start_position

ID, OTHER, HAND = "this-log", "another-log", ""
GONE, SHORT = "are gone from ClickHouse", "the log ends at"


def upto(newest: int | None, *sets: int | None, fresh: int | None = None) -> Held:
    """Return what is held by a feed with as many set tables."""
    return Held(newest, fresh, sets)


CASES: dict[str, tuple[Committed | None, Held, int, int, Start | str]] = {
    # name: committed, held, low, high -> start, or a part of the sentence
    "nothing known, an empty log": (None, upto(None), 0, 0, Start(0)),
    "nothing known: all that is left; what is gone is not lost": (None, upto(None), 40, 100, Start(40, floor=40)),
    "started there, and nothing came since": (Committed(40, ID, 40), upto(None), 40, 100, Start(40, floor=40)),
    "only rows": (None, upto(49), 0, 100, Start(50)),
    "offset 0 is a row": (None, upto(0), 0, 100, Start(1)),
    "both agree": (Committed(50, ID), upto(49), 0, 100, Start(50)),
    "all read": (Committed(100, ID), upto(99), 0, 100, Start(100)),
    "a commit at 0": (Committed(0, ID), upto(None), 0, 100, Start(0)),
    "a crash between insert and commit: the rows show more": (Committed(50, ID), upto(59), 0, 100, Start(60)),
    # Rows that are gone
    "the newest rows are gone": (Committed(60, ID), upto(39), 0, 100, Start(40)),
    "all rows are gone": (Committed(60, ID), upto(None), 0, 100, Start(0)),
    "they are gone, and Kafka has just all of them": (Committed(60, ID), upto(39), 40, 100, Start(40)),
    "they are gone, and Kafka lacks one": (Committed(60, ID), upto(39), 41, 100, GONE),
    "they are gone, and Kafka has none of them": (Committed(60, ID), upto(39), 60, 100, GONE),
    "all rows are gone, and Kafka has none of them": (Committed(60, ID), upto(None), 70, 100, GONE),
    "they were given up by hand": (Committed(70, HAND), upto(39), 60, 100, Start(70, floor=70)),
    "given up up to Kafka's first": (Committed(60, HAND), upto(39), 60, 100, Start(60, floor=60)),
    "given up before, and nothing came since": (Committed(75, ID, 70), upto(39), 60, 100, Start(70, floor=70)),
    "given up before, and rows came since": (Committed(80, ID, 70), upto(79), 60, 100, Start(80)),
    "given up before, rows came since, and are gone": (Committed(80, ID, 70), upto(72), 60, 100, Start(73)),
    # Sets
    "sets have all fresh rows": (Committed(60, ID), upto(59, 50, 50, fresh=50), 0, 100, Start(60)),
    "sets, and nothing fresh": (Committed(60, ID), upto(59, None, None), 0, 100, Start(60)),
    "the first set lags": (Committed(60, ID), upto(59, 30, 50, fresh=50), 0, 100, Start(31)),
    "the second set lags": (Committed(60, ID), upto(59, 50, 30, fresh=50), 0, 100, Start(31)),
    "a set is empty": (Committed(60, ID), upto(59, 50, None, fresh=50), 0, 100, Start(0)),
    "a set lags, without any commit": (None, upto(59, 50, 30, fresh=50), 0, 100, Start(31)),
    "a set lags, and Kafka lacks its rows": (Committed(60, ID), upto(59, 50, 30, fresh=50), 32, 100, GONE),
    "that, without any commit": (None, upto(59, 50, 30, fresh=50), 32, 100, GONE),
    "that, given up by hand": (Committed(60, HAND), upto(59, 50, 30, fresh=50), 32, 100, Start(60, floor=60)),
    "that, and only repeats came since": (Committed(70, ID, 60), upto(69, 50, 30, fresh=50), 32, 100,
                                          Start(60, floor=60)),
    "a crash between the tables: the sets show more": (Committed(50, ID), upto(49, 59, 59, fresh=48), 0, 100,
                                                       Start(50)),
    "that, and retention was faster": (Committed(50, ID), upto(49, 59, 59, fresh=48), 70, 100,
                                       Start(70, lost=20, floor=70)),
    "sets ahead, and nothing else": (Committed(0, ID), upto(None, 9, 9), 0, 100, Start(0)),
    # Other logs
    "a new log, the commit is the old one's": (Committed(50, OTHER), upto(None), 0, 100, Start(0)),
    "a new log that has rows already": (Committed(50, OTHER), upto(9), 0, 100, Start(10)),
    "a new log shorter than the old commit": (Committed(50, OTHER), upto(None), 0, 10, Start(0)),
    # Set by hand
    "a rewind by hand changes nothing": (Committed(0, HAND), upto(49), 0, 100, Start(50)),
    "a skip by hand": (Committed(80, HAND), upto(49), 0, 100, Start(80, floor=80)),
    "a skip by hand, remembered": (Committed(80, ID, 80), upto(49), 0, 100, Start(80, floor=80)),
    "a skip by hand to the end": (Committed(100, HAND), upto(49), 0, 100, Start(100, floor=100)),
    "an unnamed commit beyond the end is not a commit of this log": (Committed(101, HAND), upto(49), 0, 100, Start(50)),
    "an unnamed commit without rows": (Committed(30, HAND), upto(None), 0, 100, Start(30, floor=30)),
    "a skip by hand to what is deleted": (Committed(60, HAND), upto(49), 70, 100, Start(70, lost=10, floor=70)),
    # Retention
    "retention was faster than the sink": (Committed(50, ID), upto(49), 70, 100, Start(70, lost=20, floor=70)),
    "that, and nothing came since": (Committed(70, ID, 70), upto(49), 70, 100, Start(70, floor=70)),
    "retention, by the rows alone": (None, upto(49), 70, 100, Start(70, lost=20, floor=70)),
    "retention just reached it": (Committed(50, ID), upto(49), 50, 100, Start(50)),
    "retention has deleted everything": (Committed(50, ID), upto(49), 100, 100, Start(100, lost=50, floor=100)),
    "retention deleted what had no records": (Committed(0, ID), upto(None), 30, 100, Start(30, lost=30, floor=30)),
    # The log lost its end
    "the log lost its end": (Committed(50, ID), upto(49), 0, 45, SHORT),
    "that, by the rows alone": (None, upto(49), 0, 45, SHORT),
    "that, by the commit alone": (Committed(50, ID), upto(None), 0, 45, SHORT),
    "that, by a set alone": (Committed(40, ID), upto(39, 49, 49, fresh=39), 0, 45, SHORT),
    "that, and someone says where to go on": (Committed(43, HAND), upto(49), 0, 45, Start(43, floor=43, cut=50)),
    "that, to what is deleted": (Committed(3, HAND), upto(49), 9, 45, Start(9, floor=3, cut=50)),
    "then rows can't be trusted": (Committed(47, ID, 43, 50), upto(49), 0, 60, Start(47, floor=43, cut=50)),
    "until they are passed": (Committed(55, ID, 43, 50), upto(54), 0, 60, Start(55)),
    "and it may lose its end again": (Committed(47, ID, 43, 50), upto(49), 0, 46, SHORT),
    "and retention may be faster": (Committed(47, ID, 43, 50), upto(49), 48, 60, Start(48, lost=1, floor=48, cut=50)),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_start_position(name: str) -> None:
    committed, held, low, high, expected = CASES[name]
    found = start_position(ID, committed, held, low, high)
    if isinstance(expected, str):
        assert isinstance(found, Refused)
        assert expected in found.why
        assert "by hand" in found.why
    else:
        assert found == expected


@pytest.mark.parametrize("name", CASES)
def test_what_is_committed_at_the_start_leads_there_again(name: str) -> None:
    committed, held, low, high, _ = CASES[name]
    found = start_position(ID, committed, held, low, high)
    if isinstance(found, Start):
        again = start_position(ID, Committed(found.offset, ID, found.floor, found.cut), held, low, high)
        assert again == found._replace(lost=0)


@pytest.mark.parametrize(
    ("committed", "metadata"),
    [(Committed(5, ID), ID), (Committed(5, ID, 3), f"{ID} 3"), (Committed(5, ID, 0, 9), f"{ID} 0 9")],
)
def test_a_commit_is_read_as_it_was_written(committed: Committed, metadata: str) -> None:
    assert committed.metadata == metadata
    assert Committed.read(5, metadata) == committed


@pytest.mark.parametrize("metadata", ["written by a stranger", f"{ID} x", f"{ID} 1 2 3"])
def test_metadata_that_is_not_ours_names_no_log(metadata: str) -> None:
    found = Committed.read(5, metadata)
    assert found.topic_id == metadata
    assert start_position(ID, found, Held(), 0, 100) == Start(0)


@pytest.mark.parametrize("metadata", ["", None])
def test_a_commit_without_metadata_was_set_by_hand(metadata: str | None) -> None:
    assert Committed.read(5, metadata) == Committed(5, HAND)
