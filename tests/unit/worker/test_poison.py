"""After three failures on a line, by exceptions or by deaths of the process, the line is poisoned."""

from pathlib import Path

import pytest

from streams.worker.mark import Deciding, Mark
from streams.worker.poison import ATTEMPTS, PoisonLog


def test_a_line_is_poisoned_after_three_crashes_of_the_process(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    for attempt in range(1, ATTEMPTS + 1):
        assert PoisonLog(folder).poisoned("t", 1) == frozenset()
        assert PoisonLog(folder).note("t", 1, 42, 3) == attempt
    assert PoisonLog(folder).poisoned("t", 1) == {(42, 3)}


def test_crashes_are_counted_by_topic_id_partition_offset_and_line(tmp_path: Path) -> None:
    log = PoisonLog(tmp_path)
    places = [("t", 1, 42, 3), ("t", 1, 42, 4), ("t", 1, 43, 3), ("t", 11, 42, 3), ("t2", 1, 42, 3)]
    for place in places:
        assert [log.note(*place) for _ in range(2)] == [1, 2]
    assert log.note("t", 1, 42, 3) == ATTEMPTS
    assert log.poisoned("t", 1) == {(42, 3)}
    assert log.poisoned("t", 11) == log.poisoned("t2", 1) == frozenset()


def test_writing_leaves_no_partial_file(tmp_path: Path) -> None:
    log = PoisonLog(tmp_path)
    log.note("t", 0, 1, 0)
    assert [path.name for path in tmp_path.iterdir()] == ["poison.json"]


def test_the_file_forgets_what_is_before_the_position_and_topics_that_are_gone(tmp_path: Path) -> None:
    log = PoisonLog(tmp_path)
    for place in [
        ("t", 1, 41, 9),
        ("t", 1, 42, 3),
        ("t", 1, 42, 4),
        ("gone", 1, 99, 0),
        ("t", 2, 1, 0),
        ("t", 11, 1, 0),
    ]:
        for _ in range(ATTEMPTS):
            log.note(*place)
    log.forget("t", 1, (42, 4))
    again = PoisonLog(tmp_path)
    assert again.poisoned("t", 1) == {(42, 4)}
    assert again.poisoned("gone", 1) == frozenset()
    assert again.poisoned("t", 2) == again.poisoned("t", 11) == {(1, 0)}


def die_while(folder: Path, deciding: Deciding, place: tuple[int, int], until: tuple[int, int]) -> None:
    """Leave the mark that a process leaves that dies."""
    mark = Mark(folder / "deciding-1.mark")
    mark.set("t", deciding, place, until)
    mark.close()


def test_a_death_while_a_chunk_is_decided_blames_no_line_and_makes_its_lines_suspects(tmp_path: Path) -> None:
    for _ in range(ATTEMPTS + 1):
        die_while(tmp_path, Deciding.CHUNK, (42, 3), (44, 0))
        found = PoisonLog(tmp_path).suspicion("t", 1)
        assert (found.lines, found.careful) == (frozenset(), (44, 0))


def test_the_third_death_while_one_line_is_decided_poisons_it(tmp_path: Path) -> None:
    for attempt in range(1, ATTEMPTS + 1):
        die_while(tmp_path, Deciding.LINE, (43, 7), (44, 0))
        found = PoisonLog(tmp_path).suspicion("t", 1)
        assert found.careful == (44, 0)
        assert found.lines == ({(43, 7)} if attempt == ATTEMPTS else frozenset())


def test_a_death_is_counted_once_even_if_the_next_process_dies_before_it_decides(tmp_path: Path) -> None:
    die_while(tmp_path, Deciding.LINE, (43, 7), (44, 0))
    for _ in range(ATTEMPTS + 1):
        found = PoisonLog(tmp_path).suspicion("t", 1)
        assert (found.lines, found.careful) == (frozenset(), (44, 0))


def test_deaths_on_different_lines_poison_none(tmp_path: Path) -> None:
    for line in range(9):
        die_while(tmp_path, Deciding.LINE, (43, line), (44, 0))
        assert PoisonLog(tmp_path).suspicion("t", 1).lines == frozenset()


@pytest.mark.parametrize("content", [None, b"", b"\0", b"\xff" * 100])
def test_a_mark_that_is_missing_or_damaged_shows_nothing(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "deciding-1.mark"
    if content is not None:
        path.write_bytes(content)
    assert Mark(path).read() is None
    assert PoisonLog(tmp_path).suspicion("t", 1).careful == (0, 0)


def test_a_mark_that_was_cleared_or_is_of_another_log_shows_nothing(tmp_path: Path) -> None:
    die_while(tmp_path, Deciding.LINE, (43, 7), (44, 0))
    assert PoisonLog(tmp_path).suspicion("re-created", 1).careful == (0, 0)
    mark = Mark(tmp_path / "deciding-1.mark")
    mark.clear()
    assert mark.read() is None
    assert PoisonLog(tmp_path).poisoned("t", 1) == frozenset()
