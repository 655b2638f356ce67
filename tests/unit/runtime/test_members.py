"""A number for each process: given, or the lowest that nobody holds."""

import fcntl
import subprocess
import sys
from pathlib import Path

import pytest

from streams.errors import UserError
from streams.runtime.members import Member, claim, member, port
from streams.settings import Settings

SECONDS = 30.0
# Claims, says which, and keeps it until its input ends.
HOLDER = """
import sys
from pathlib import Path
from streams.runtime.members import claim
print(claim(Path(sys.argv[1]), "worker"), flush=True)
sys.stdin.read()
"""


class Holder:
    """A process that holds a number."""

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


def test_each_process_gets_the_lowest_free_number_and_a_dead_ones_is_free(tmp_path: Path) -> None:
    holders = [Holder(tmp_path) for _ in range(3)]
    try:
        assert [each.number for each in holders] == [0, 1, 2]
        holders[1].kill()
        holders[1] = Holder(tmp_path)
        assert holders[1].number == 1
    finally:
        for each in holders:
            each.kill()


def test_kinds_are_counted_apart(tmp_path: Path) -> None:
    assert [claim(tmp_path, "worker"), claim(tmp_path, "sink"), claim(tmp_path, "worker")] == [0, 0, 1]


def test_a_claim_is_a_lock_on_a_file_that_others_can_see(tmp_path: Path) -> None:
    claim(tmp_path, "worker")
    with (tmp_path / "worker-0").open("w") as other, pytest.raises(BlockingIOError):
        fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_a_given_number_has_a_port_of_its_own_and_a_claimed_one_that_of_number_0(tmp_path: Path) -> None:
    settings = Settings(metrics_port=20_000, data_dir=tmp_path)
    assert member(settings, "worker", "3") == Member(3, 20_030)
    assert member(settings, "sink", "3") == Member(3, 20_031)
    assert member(settings, "worker", "auto") == Member(0, 20_000)
    assert member(settings, "worker", "auto") == Member(1, 20_000)
    assert member(settings, "sink", "auto") == Member(0, 20_001)
    assert port(settings, "sink", 0) == 20_001
    assert (tmp_path / "claims" / "sink-0").exists()


@pytest.mark.parametrize("index", ["", "-1", "one", "1.5", "²", "Auto"])
def test_what_is_no_number_is_refused(index: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="--index is wrong"):
        member(Settings(data_dir=tmp_path), "worker", index)


def test_a_folder_that_can_not_be_made_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "claims").write_text("in the way")
    with pytest.raises(UserError, match=r"No number can be claimed in .*: give one with --index\.$"):
        member(Settings(data_dir=tmp_path), "worker", "auto")
