"""After three crashes on a line, the line is poisoned."""

from pathlib import Path

from streams.worker.poison import ATTEMPTS, PoisonLog


def test_a_line_is_poisoned_after_three_crashes_of_the_process(tmp_path: Path) -> None:
    path = tmp_path / "state" / "poison.json"
    for attempt in range(1, ATTEMPTS + 1):
        assert PoisonLog(path).poisoned("t", 1) == frozenset()
        assert PoisonLog(path).note("t", 1, 42, 3) == attempt
    assert PoisonLog(path).poisoned("t", 1) == {(42, 3)}


def test_crashes_are_counted_by_topic_id_partition_offset_and_line(tmp_path: Path) -> None:
    log = PoisonLog(tmp_path / "poison.json")
    places = [("t", 1, 42, 3), ("t", 1, 42, 4), ("t", 1, 43, 3), ("t", 11, 42, 3), ("t2", 1, 42, 3)]
    for place in places:
        assert [log.note(*place) for _ in range(2)] == [1, 2]
    assert log.note("t", 1, 42, 3) == ATTEMPTS
    assert log.poisoned("t", 1) == {(42, 3)}
    assert log.poisoned("t", 11) == log.poisoned("t2", 1) == frozenset()


def test_writing_leaves_no_partial_file(tmp_path: Path) -> None:
    log = PoisonLog(tmp_path / "poison.json")
    log.note("t", 0, 1, 0)
    assert [path.name for path in tmp_path.iterdir()] == ["poison.json"]
