"""Who gives way to the collector, with real processes."""

import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from streams.embedded.priority import NICENESS, give_way
from streams.embedded.program import Program
from streams.embedded.run_folder import RunFolder

OTHERS = ("kafka", "clickhouse", "worker-0", "sink-1")


@pytest.fixture
def run(tmp_path: Path) -> Iterator[dict[str, int]]:
    """Programs of these names that sleep; their processes."""
    with ExitStack() as stack:
        started = {}
        for name in OTHERS:
            program = Program(name, RunFolder(tmp_path), ["sleep", "60"]).start()
            stack.callback(program.kill)
            started[name] = program.pid or 0
        yield started


def niceness(pids: dict[str, int]) -> dict[str, int]:
    return {name: os.getpriority(os.PRIO_PROCESS, pid) for name, pid in pids.items()}


def test_who_catches_up_gives_way_to_the_collector(run: dict[str, int], tmp_path: Path) -> None:
    folder, ours = RunFolder(tmp_path), os.getpriority(os.PRIO_PROCESS, 0)
    collector = Program("collector-0", folder, ["sleep", "60"]).start()
    try:
        give_way(folder)
        answers = {"kafka": run["kafka"], "collector-0": collector.pid or 0}
        assert niceness(answers) == dict.fromkeys(answers, ours)
        waits = {name: pid for name, pid in run.items() if name != "kafka"}
        assert niceness(waits) == dict.fromkeys(waits, NICENESS)
        if (group := Path(f"/proc/{waits['sink-1']}/autogroup")).exists():
            assert group.read_text().endswith(f"nice {NICENESS}\n")
    finally:
        collector.kill()


def test_without_a_collector_all_are_equal(run: dict[str, int], tmp_path: Path) -> None:
    give_way(RunFolder(tmp_path))
    assert set(niceness(run).values()) == {os.getpriority(os.PRIO_PROCESS, 0)}
