"""Failpoints act once, at the hit they are armed for, and do nothing while they are off."""

import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from streams.runtime import failpoints
from streams.runtime.failpoints import Action, Armed, Failpoint
from streams.settings import Settings

PLACE = Failpoint.WORKER_DECODED
SECONDS = 30.0
# Hits the failpoint three times, and prints each time it got through.
PROGRAM = f"""
import sys
from streams.runtime import failpoints
from streams.runtime.failpoints import Failpoint
from streams.settings import Settings
failpoints.enable(Settings(failpoints_dir=sys.argv[1]), "worker-0")
for number in range(3):
    failpoints.hit(Failpoint.{PLACE.name})
    print("through", number, flush=True)
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of worker 0's failpoints, which are enabled in this process; none is armed."""
    monkeypatch.setattr(failpoints, "_folder", None)
    failpoints.enable(Settings(failpoints_dir=tmp_path), "worker-0")
    (tmp_path / "worker-0").mkdir()
    return tmp_path / "worker-0"


def arm(folder: Path, **how: object) -> None:
    (folder / PLACE).write_text(Armed.model_validate(how).model_dump_json())


def test_off_unless_a_setting_names_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(failpoints, "_folder", None)
    failpoints.enable(Settings(), "worker-0")
    arm(tmp_path, action=Action.KILL)
    monkeypatch.chdir(tmp_path)
    assert failpoints.take(PLACE) is None
    failpoints.hit(PLACE)


def test_it_kills_at_the_given_hit_and_not_in_the_next_process(tmp_path: Path) -> None:
    (tmp_path / "worker-0").mkdir()
    arm(tmp_path / "worker-0", action=Action.KILL, hit=2)
    argv = [sys.executable, "-c", PROGRAM, str(tmp_path)]
    killed = subprocess.run(argv, capture_output=True, timeout=SECONDS, check=False)
    assert killed.returncode == -signal.SIGKILL
    assert b"through 0" in killed.stdout
    assert b"through 1" not in killed.stdout
    assert (tmp_path / "worker-0" / f"{PLACE}.fired").exists()
    assert subprocess.run(argv, capture_output=True, timeout=SECONDS, check=False).returncode == 0


def test_hits_are_counted_from_when_it_was_armed(folder: Path) -> None:
    failpoints.hit(PLACE)
    arm(folder, action=Action.CUT, hit=2)
    assert failpoints.take(PLACE) is None
    assert failpoints.take(PLACE) == Armed(action=Action.CUT, hit=2)
    assert failpoints.take(PLACE) is None
    arm(folder, action=Action.CUT, hit=2)
    assert failpoints.take(PLACE) is None


def test_one_armed_for_every_hit_acts_until_it_is_disarmed(folder: Path) -> None:
    arm(folder, action=Action.CUT, always=True)
    assert all(failpoints.take(PLACE) for _ in range(3))
    (folder / PLACE).unlink()
    assert failpoints.take(PLACE) is None


def test_before_is_called_only_if_it_acts(folder: Path) -> None:
    done: list[str] = []
    failpoints.hit(PLACE, before=lambda: done.append("early"))
    arm(folder, action=Action.SLEEP)
    failpoints.hit(PLACE, before=lambda: done.append("before"))
    assert done == ["before"]


def test_an_unreadable_one_is_logged_and_ignored(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / PLACE).write_text("kill")
    failpoints.hit(PLACE)
    assert "failpoint_unreadable" in "".join(capsys.readouterr())


def test_of_two_simultaneous_hits_only_one_takes_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read, both = Path.read_bytes, threading.Barrier(2)

    def read_together(path: Path) -> bytes:
        found = read(path)
        with suppress(threading.BrokenBarrierError):  # expected: the other thread waits for the lock
            both.wait(0.5)
        return found

    arm(folder, action=Action.SLEEP)
    monkeypatch.setattr(Path, "read_bytes", read_together)
    with ThreadPoolExecutor(2) as threads:
        taken = [each.result(SECONDS) for each in [threads.submit(failpoints.take, PLACE) for _ in range(2)]]
    assert [each.action for each in taken if each is not None] == [Action.SLEEP]
