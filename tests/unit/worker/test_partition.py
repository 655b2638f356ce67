"""What a partition decides again or never again, and what its mark shows meanwhile."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path

import pytest

from streams.core import chunk
from streams.core.catalogue import Catalogue
from streams.core.decode_fast import Flush
from streams.core.decode_fast import read as read_lines
from streams.core.pieces import SourceRecord, pieces
from streams.errors import StateLostError
from streams.kafka.names import changelog
from streams.kafka.transaction import ProducerRecord
from streams.state import position
from streams.state.memory import MemoryStore
from streams.state.partition_state import POSITION, Table
from streams.state.position import Position
from streams.worker.mark import Deciding, Found, Mark
from streams.worker.partition import Partition, Source
from streams.worker.poison import Suspicion
from tests.property.logs import SETTINGS, T0, flush_of
from tests.support.memory_log import TOPIC_ID, MemoryLog, instead_of_kafka

GOOD = flush_of("u1", T0, [("a", T0)])
VALUE = b"\n".join([b"?", GOOD, b"!"])


@pytest.fixture
def mark(tmp_path: Path) -> Mark:
    """The partition's mark, on disk."""
    return Mark(tmp_path / "deciding-0.mark")


@pytest.fixture
def shown(mark: Mark, monkeypatch: pytest.MonkeyPatch) -> list[Found | None]:
    """What the mark shows each time lines are read."""
    found: list[Found | None] = []

    def read(lines: Sequence[bytes]) -> list[Flush | None]:
        found.append(mark.read())
        return read_lines(lines)

    monkeypatch.setattr(chunk, "read", read)
    return found


@contextmanager
def partition(suspicion: Suspicion) -> Iterator[Partition]:
    log = MemoryLog(SETTINGS, 1)
    with instead_of_kafka(log):
        held = Partition(SETTINGS, 0, MemoryStore())
        held.recover(lambda: Source(TOPIC_ID, 1, 0, 10), Catalogue(), lambda _: suspicion)
        yield held


def test_a_chunk_is_decided_under_one_mark(mark: Mark, shown: list[Found | None]) -> None:
    with partition(Suspicion(mark)) as held:
        assert held.decide([SourceRecord(4, T0, VALUE), SourceRecord(5, T0, GOOD)]) is not None
    assert shown == [Found(TOPIC_ID, Deciding.CHUNK, (4, 0), (6, 0))]
    assert mark.read() is None


def test_a_suspected_chunk_is_decided_under_a_mark_for_each_line(mark: Mark, shown: list[Found | None]) -> None:
    with partition(Suspicion(mark, careful=(4, 2))) as held:
        first = held.decide([SourceRecord(4, T0, VALUE), SourceRecord(5, T0, GOOD)])
        assert first is not None
        held.commit(first)
        assert held.decide([SourceRecord(6, T0, GOOD)]) is not None
    lines = [(4, 0), (4, 1), (4, 2), (5, 0)]
    assert shown == [
        *(Found(TOPIC_ID, Deciding.LINE, place, (6, 0)) for place in lines),
        Found(TOPIC_ID, Deciding.CHUNK, (6, 0), (7, 0)),
    ]


def test_an_exception_leaves_no_mark(mark: Mark, monkeypatch: pytest.MonkeyPatch) -> None:
    """The exception is counted by itself."""
    monkeypatch.setattr(chunk, "decode", lambda _: 1 / 0)
    with partition(Suspicion(mark)) as held, pytest.raises(chunk.LineError):
        held.decide([SourceRecord(4, T0, VALUE)])
    assert mark.read() is None


def test_a_position_within_a_record_drops_its_first_pieces(mark: Mark) -> None:
    found = pieces(4, T0, b"\n" * 2_500)
    with partition(Suspicion(mark)) as held:
        first = held.decide(found[:2])
        assert first is not None
        held.commit(first)
        assert held.place == (4, 2_000)
        assert (held.position.next_offset, held.position.line) == (4, 2_000)
        assert held.decide(found[:2]) is None
        rest = held.decide(found)
        assert rest is not None
        assert rest.outputs.total.lines == 500
        held.commit(rest)
        assert held.place == (5, 0)


def test_poisoned_lines_are_given_up_on_once_and_then_forgotten(mark: Mark) -> None:
    with partition(Suspicion(mark, frozenset({(4, 1), (4, 2)}))) as held:
        first = held.decide([SourceRecord(3, T0, GOOD), SourceRecord(4, T0, VALUE)])
        assert first is not None
        assert first.poisoned == 2
        assert first.outputs.total.accepted == 1
        held.commit(first)
        again = held.decide([SourceRecord(5, T0, VALUE)])
        assert again is not None
        assert (again.poisoned, again.outputs.summary.reasons["malformed"]) == (0, 2)


@pytest.mark.parametrize(("line", "lost"), [(0, False), (5, True)])
def test_a_log_that_ends_before_the_record_that_was_begun_has_lost_it(mark: Mark, line: int, lost: bool) -> None:
    log = MemoryLog(SETTINGS, 1)
    begun = position.encode(Position(TOPIC_ID, 10, SETTINGS.window_ms, 1, line))
    log.commit([ProducerRecord(changelog(Table.COVERAGE), 0, POSITION, begun)])
    with instead_of_kafka(log), pytest.raises(StateLostError) if lost else nullcontext():
        held = Partition(SETTINGS, 0, MemoryStore())
        held.recover(lambda: Source(TOPIC_ID, 1, 0, 10), Catalogue(), lambda _: Suspicion(mark))
