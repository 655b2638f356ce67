"""Each process has an index: a given one, or the lowest free one."""

import fcntl
import subprocess
import sys
from pathlib import Path

import pytest

from streams.errors import UserError
from streams.runtime.members import Member, claim, member, port
from streams.settings import Settings

SECONDS = 30.0
# Claims an index, prints it, and holds it until its input ends.
HOLDER = """
import sys
from pathlib import Path
from streams.runtime.members import claim
print(claim(Path(sys.argv[1]), "worker"), flush=True)
sys.stdin.read()
"""


class Holder:
    """A process that holds an index."""

    def __init__(self, folder: Path) -> None:
        argv = [sys.executable, "-c", HOLDER, str(folder)]
        self._process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        self.number = int(self._process.stdout.readline())

    def kill(self) -> None:
        """End it as kill -9 does."""
        self._process.kill()
        self._process.wait(SECONDS)
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            pipe.close()


def test_each_process_gets_the_lowest_free_index_and_a_dead_process_frees_its_own(tmp_path: Path) -> None:
    holders = [Holder(tmp_path) for _ in range(3)]
    try:
        assert [each.number for each in holders] == [0, 1, 2]
        holders[1].kill()
        holders[1] = Holder(tmp_path)
        assert holders[1].number == 1
    finally:
        for each in holders:
            each.kill()


def test_workers_and_sinks_are_numbered_separately(tmp_path: Path) -> None:
    assert [claim(tmp_path, "worker"), claim(tmp_path, "sink"), claim(tmp_path, "worker")] == [0, 0, 1]


def test_a_claim_locks_a_file_for_other_processes(tmp_path: Path) -> None:
    claim(tmp_path, "worker")
    with (tmp_path / "worker-0").open("w") as other, pytest.raises(BlockingIOError):
        fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_a_given_index_has_its_own_port_and_a_claimed_one_has_the_port_of_index_0(tmp_path: Path) -> None:
    settings = Settings(metrics_port=20_000, data_dir=tmp_path)
    assert member(settings, "worker", "3") == Member(3, 20_030)
    assert member(settings, "sink", "3") == Member(3, 20_031)
    assert member(settings, "worker", "auto") == Member(0, 20_000)
    assert member(settings, "worker", "auto") == Member(1, 20_000)
    assert member(settings, "sink", "auto") == Member(0, 20_001)
    assert port(settings, "sink", 0) == 20_001
    assert (tmp_path / "claims" / "sink-0").exists()


@pytest.mark.parametrize("index", ["", "-1", "one", "1.5", "²", "Auto"])
def test_an_index_that_is_not_a_number_is_refused(index: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="--index is wrong"):
        member(Settings(data_dir=tmp_path), "worker", index)


def test_a_folder_that_cannot_be_created_is_reported_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "claims").write_text("in the way")
    with pytest.raises(UserError, match=r"No number can be claimed in .*: give one with --index\.$"):
        member(Settings(data_dir=tmp_path), "worker", "auto")
