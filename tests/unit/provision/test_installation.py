"""What an installation is judged to be, for every combination of what Kafka and ClickHouse may hold."""

from functools import cache
from itertools import product

import pytest

from streams.core.identity import event_id
from streams.errors import StateLostError, UserError
from streams.provision import installation
from streams.provision.evidence import Accepted, Begun, Evidence, PartitionFound, Tables
from streams.provision.installation import (
    Differs,
    Finding,
    HalfBegun,
    Lost,
    New,
    Whole,
    judge,
    refuse,
    window_refusal,
    windows_proven,
)
from streams.settings import Settings
from streams.state.position import Position

SETTINGS = Settings.model_validate({})
T0 = 1_732_431_600_123
BOTH = (Begun.WHOLE, Begun.WHOLE)
NEITHER = (Begun.NEVER, Begun.NEVER)


PROVEN = cache(windows_proven)


def at(offset: int, line: int = 0, *, window_ms: int = 600_000, partitions: int = 2, topic_id: str = "t") -> Position:
    return Position(topic_id, offset, window_ms, partitions, line)


# What Kafka may hold of a partition. The letters name the cases in the table below.
PARTITIONS = {
    "nothing": PartitionFound(),
    "first": PartitionFound(BOTH, at(0)),
    "decided": PartitionFound(BOTH, at(7), worked=True),
    # Retention has deleted what the worker wrote, and its commits have expired.
    "decided long ago": PartitionFound(BOTH, at(7)),
    "worked": PartitionFound(worked=True),
    "rebuilding": PartitionFound(BOTH, None, unfinished=True),
    "one changelog": PartitionFound((Begun.NEVER, Begun.WHOLE), at(7)),
    "no positions": PartitionFound((Begun.WHOLE, Begun.NEVER)),
    "cut": PartitionFound((Begun.CUT, Begun.WHOLE), at(7)),
    "other window": PartitionFound(BOTH, at(7, window_ms=300_000), worked=True),
    "other count": PartitionFound(BOTH, at(7, partitions=3), worked=True),
}


def rows(window_ms: int = 600_000) -> tuple[Accepted, ...]:
    return tuple(
        Accepted(event_id(f"u{n}", "a1", T0 + n * 7_000_000, window_ms), f"u{n}", "a1", T0 + n * 7_000_000)
        for n in range(9)
    )


TABLES = {
    "not looked at": None,
    "no tables": Tables({}),
    "empty": Tables({"impressions_raw": 0, "ledger_raw": 0, "user_artworks_raw": 0}),
    "rejected lines only": Tables({"impressions_raw": 0, "ledger_raw": 4}, {("t", 0): (3, 0)}),
    "rows": Tables({"impressions_raw": 5, "ledger_raw": 9}, {("t", 0): (6, 0), ("t", 1): (6, 3)}, rows()),
    "rows of another topic": Tables({"impressions_raw": 5}, {("old", 0): (60, 0)}, rows()),
    "rows of another window": Tables({"impressions_raw": 5}, {}, rows(300_000)),
}
HISTORY = {"rejected lines only", "rows", "rows of another topic", "rows of another window"}
LOST = {"worked", "rebuilding", "one changelog", "no positions", "cut"}
WHOLE = {"first", "decided", "decided long ago"}


def expected(first: str, second: str, tables: str) -> type[Finding]:
    """The rules of the judgement, in words."""
    both = {first, second}
    if both & {"other window", "other count"} or tables == "rows of another window":
        return Differs
    if both & LOST:
        return Lost
    # A position that is before what ClickHouse has of its log: partition 0 was decided up to 3 or 6, partition 1 to 6.
    if (first == "first" and tables in {"rejected lines only", "rows"}) or (second == "first" and tables == "rows"):
        return Lost
    if both <= WHOLE:
        return Whole
    if tables in HISTORY or both & {"decided", "decided long ago"}:
        return Lost
    return New if both == {"nothing"} else HalfBegun


@pytest.fixture(autouse=True)
def _windows_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Trying every window takes half a second, which the table needs only once."""
    monkeypatch.setattr(installation, "windows_proven", PROVEN)


@pytest.mark.parametrize("tables", TABLES)
@pytest.mark.parametrize("second", PARTITIONS)
@pytest.mark.parametrize("first", PARTITIONS)
def test_every_combination_is_judged(first: str, second: str, tables: str) -> None:
    evidence = Evidence("t", (PARTITIONS[first], PARTITIONS[second]), TABLES[tables])
    finding = judge(evidence, SETTINGS)
    assert type(finding) is expected(first, second, tables)
    missing = tuple(number for number, name in enumerate((first, second)) if name == "nothing")
    if isinstance(finding, New | HalfBegun):
        assert finding.partitions == missing
    if isinstance(finding, Lost):
        assert "impressions rebuild" in finding.sentence
    if isinstance(finding, Lost | Differs):
        assert finding.sentence.count(". ") <= 2
        with pytest.raises(StateLostError if isinstance(finding, Lost) else UserError):
            refuse(finding)
    else:
        refuse(finding)


def test_a_source_that_grew_differs_from_its_state() -> None:
    grown = Evidence("t", (PARTITIONS["decided"], PARTITIONS["decided"], PartitionFound()))
    finding = judge(grown, SETTINGS)
    assert isinstance(finding, Differs)
    assert "impressions.v1 has 3 partitions, but the state was made with 2" in finding.sentence
    missing = judge(Evidence(None, (PARTITIONS["first"],)), SETTINGS)
    assert isinstance(missing, Differs)
    assert "topics.yaml declares 1 partitions, but the state was made with 2" in missing.sentence


def test_a_broker_that_lost_everything_is_named_with_the_way_out() -> None:
    finding = judge(Evidence(None, (PartitionFound(), PartitionFound()), TABLES["rows"]), SETTINGS)
    assert isinstance(finding, Lost)
    for words in ("holds 14 rows", "127.0.0.1:9092 holds nothing", "impressions rebuild", "CLICKHOUSE_DATABASE"):
        assert words in finding.sentence


@pytest.mark.parametrize(
    ("position", "last", "lost"),
    [
        (at(7), (6, 999), False),
        (at(7), (7, 0), True),
        (at(7, 5), (7, 4), False),
        (at(7, 5), (7, 5), True),
        (at(7), (8, 0), True),
    ],
)
def test_a_row_that_is_ahead_of_its_position_shows_a_lost_end(
    position: Position, last: tuple[int, int], lost: bool
) -> None:
    tables = Tables({"ledger_raw": 1}, {("t", 1): last})
    found = (PARTITIONS["decided"], PartitionFound(BOTH, position, worked=True))
    assert isinstance(judge(Evidence("t", found, tables), SETTINGS), Lost if lost else Whole)


def test_a_clickhouse_that_lost_everything_is_a_note() -> None:
    found = (PARTITIONS["decided"], PARTITIONS["first"])
    for tables in ("no tables", "empty"):
        finding = judge(Evidence("t", found, TABLES[tables]), SETTINGS)
        assert isinstance(finding, Whole)
        (note,) = finding.notes
        assert "holds no rows" in note
        assert "backup" in note
    assert judge(Evidence("t", (PARTITIONS["first"],) * 2, TABLES["empty"]), SETTINGS) == Whole()


def test_a_re_created_source_is_a_note() -> None:
    finding = judge(Evidence("new", (PARTITIONS["decided"], PARTITIONS["decided"]), TABLES["rows"]), SETTINGS)
    assert isinstance(finding, Whole)
    assert "re-created" in finding.notes[0]


def test_the_window_shows_in_event_ids() -> None:
    assert windows_proven(rows(600_000)) == [600]
    assert windows_proven(rows(86_400_000)) == [86_400]
    assert windows_proven((*rows(600_000), *rows(300_000))) == []
    assert window_refusal(rows(600_000), SETTINGS) is None
    assert window_refusal((), SETTINGS) is None
    assert "with a dedupe window of 300 s" in (window_refusal(rows(300_000), SETTINGS) or "")
    mixed = window_refusal((*rows(600_000), *rows(300_000)), SETTINGS)
    assert "no single dedupe window" in (mixed or "")


def test_no_table_case_is_left_out() -> None:
    """Every kind of finding occurs among the combinations."""
    found = {expected(first, second, tables) for first, second, tables in product(PARTITIONS, PARTITIONS, TABLES)}
    assert found == {New, HalfBegun, Whole, Lost, Differs}
