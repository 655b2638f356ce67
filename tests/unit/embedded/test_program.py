"""Programs are started detached, recognized by more than their pid, and stopped by their record alone."""

import os
import platform
import re
import signal
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from streams.embedded.identity import identity
from streams.embedded.program import LOG_BYTES, Program
from streams.embedded.run_folder import RunFolder, Started
from streams.errors import UserError
from tests.support.wait import until

# Ends on SIGTERM like any program; prints a word when it runs.
OBEYS = "import signal; print('there', flush=True); signal.pause()"
# Ignores SIGTERM, and has a child that ignores it too.
STUBBORN = """
import os, signal
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = os.fork()
print('child' if child == 0 else 'there', os.getpid(), flush=True)
while True:
    signal.pause()
"""
GRACE = 20.0
# A grace that is over almost at once.
NO_GRACE = 0.05
# The number of Linux's system call that ends one thread, by machine.
EXIT_OF_A_THREAD = {"x86_64": 60, "aarch64": 93}


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    return RunFolder(tmp_path)


def python(folder: RunFolder, text: str) -> Program:
    return Program("p", folder, [sys.executable, "-c", text], {"SAID": "so"})


def start(folder: RunFolder, text: str) -> Program:
    program = python(folder, text).start()
    until(lambda: "there" in program.output(), GRACE, "it prints")
    return program


def test_start_records_and_stop_ends(folder: RunFolder) -> None:
    program = start(folder, OBEYS)
    record, pid = folder.record("p"), program.pid
    assert stat.S_IMODE(record.stat().st_mode) == 0o600
    assert folder.read("p") == program.started()
    assert pid
    assert folder.recorded() == ["p"]
    assert os.getsid(pid) == pid
    assert program.exit_code is None
    assert program.stop(GRACE) == -signal.SIGTERM
    assert identity(pid) is None
    assert not record.exists()
    assert program.stop(GRACE) == -signal.SIGTERM, "of the process that it started"
    assert Program("p", folder).stop(GRACE) is None


def test_a_name_is_enough_to_end_a_program_that_another_object_started(folder: RunFolder) -> None:
    program, by_name = start(folder, OBEYS), Program("p", folder)
    assert by_name.pid == program.pid
    by_name.kill()
    assert not program.is_running
    assert program.exit_code == by_name.exit_code == -signal.SIGKILL
    assert folder.recorded() == ["p"]


def test_a_program_reports_on_the_process_that_it_started(folder: RunFolder) -> None:
    first, second = python(folder, "raise SystemExit(3)").start(), python(folder, "raise SystemExit(4)")
    assert first.ended(GRACE)
    assert second.start().ended(GRACE)
    assert (first.exit_code, second.exit_code, Program("p", folder).exit_code) == (3, 4, 4)


def test_a_signal_reaches_the_process(folder: RunFolder) -> None:
    program = start(folder, OBEYS)
    program.send(signal.SIGUSR1)
    assert program.ended(GRACE)
    assert program.exit_code == -signal.SIGUSR1
    program.send(signal.SIGUSR1)


def test_the_environment_is_passed_on_and_the_output_appended(folder: RunFolder) -> None:
    for _ in range(2):
        program = python(folder, "import os; print(os.environ['SAID'])").start()
        assert program.ended(GRACE)
        assert program.output() == "so\n"
    assert folder.log("p").read_text() == "so\nso\n"


def test_a_log_that_has_grown_too_large_is_renamed(folder: RunFolder) -> None:
    log = folder.log("p")
    log.parent.mkdir(parents=True)
    with log.open("wb") as file:
        file.truncate(LOG_BYTES + 1)
    start(folder, OBEYS).stop(GRACE)
    assert log.with_suffix(".log.1").stat().st_size == LOG_BYTES + 1
    assert log.read_text() == "there\n"


@pytest.mark.parametrize("end", [lambda program: program.stop(NO_GRACE), Program.kill], ids=["stop", "kill"])
def test_what_ignores_sigterm_is_killed_with_its_children(folder: RunFolder, end: Callable[[Program], object]) -> None:
    program = start(folder, STUBBORN)
    # Two processes print into one file at the same time, so their lines may run into each other.
    pids = until(lambda: len(found := re.findall(r" (\d+)", program.output())) == 2 and found, GRACE, "both print")
    end(program)
    assert program.exit_code == -signal.SIGKILL
    for pid in map(int, pids or ()):
        until(lambda pid=pid: identity(pid) is None, GRACE, "killed")  # type: ignore[misc]


def test_a_record_of_a_process_that_is_gone_is_stale(folder: RunFolder) -> None:
    program = start(folder, OBEYS)
    pid = program.pid
    program.kill()
    assert program.clean_stale() == f"p: removed a stale record, its process {pid} is gone"
    assert program.clean_stale() is None


def test_another_process_with_the_recorded_pid_is_left_alone(folder: RunFolder) -> None:
    program = Program("p", folder)
    with subprocess.Popen([sys.executable, "-c", OBEYS], stdout=subprocess.PIPE) as other:
        assert other.stdout
        assert other.stdout.readline()
        ours = Started(name="p", pid=other.pid, identity="another boot/1", argv=["p"], since=0.0)
        folder.write(ours)
        assert not program.is_running
        assert program.exit_code is None
        program.kill()
        program.stop(GRACE)
        assert identity(other.pid) is not None
        folder.write(ours)
        assert (
            program.clean_stale() == f"p: removed a stale record, its process {other.pid} is another program's by now"
        )
        other.kill()


def test_a_running_process_is_not_stale(folder: RunFolder) -> None:
    program = start(folder, OBEYS)
    assert program.clean_stale() is None
    assert not program.ended(NO_GRACE)
    program.stop(GRACE)


def test_an_error_about_a_program_that_is_not_ready_names_its_log(folder: RunFolder) -> None:
    program = start(folder, OBEYS)
    program.wait_until(lambda: program.is_running, GRACE)
    program.stays(NO_GRACE)
    with pytest.raises(UserError, match=r"p was not ready after 0 s; its log is .*p\.log"):
        program.wait_until(lambda: False, NO_GRACE)
    program.kill()
    with pytest.raises(UserError, match=r"p ended by itself; its log is .*p\.log"):
        program.stays(NO_GRACE)
    with pytest.raises(UserError, match=r"p ended while it was starting; its log is .*p\.log"):
        program.wait_until(lambda: False, GRACE)
    assert folder.recorded() == [], "nobody calls it stale later"


def test_a_lock_is_held_by_one_at_a_time(folder: RunFolder) -> None:
    with folder.lock() as held, folder.lock(wait=False) as again, folder.lock("other", wait=False) as other:
        assert (held, again, other) == (True, False, True)
    with folder.lock(wait=False) as held:
        assert held


def test_a_damaged_record_is_an_error_that_says_what_to_do(folder: RunFolder) -> None:
    path = folder.record("p")
    path.parent.mkdir(parents=True)
    path.write_text("{")
    with pytest.raises(UserError, match="remove it"):
        folder.read("p")


def test_a_program_that_does_not_exist_leaves_no_record(folder: RunFolder) -> None:
    with pytest.raises(FileNotFoundError):
        Program("p", folder, ["/nonexistent/program"]).start()
    assert folder.recorded() == []


def test_a_zombie_counts_as_ended() -> None:
    child = subprocess.Popen([sys.executable, "-c", ""])
    until(lambda: identity(child.pid) is None, GRACE, "ended")
    assert child.wait() == 0


@pytest.mark.skipif(platform.machine() not in EXIT_OF_A_THREAD, reason="the number of the call exit(2) is not known")
def test_a_process_still_runs_if_only_its_first_thread_has_ended() -> None:
    """This happens for a moment after SIGKILL, while its other threads still hold its ports."""
    number = EXIT_OF_A_THREAD[platform.machine()]
    program = (
        f"import ctypes, threading; threading.Thread(target=input).start(); ctypes.CDLL(None).syscall({number}, 0)"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE) as child:
        state = Path("/proc", str(child.pid), "stat")
        until(lambda: ") Z " in state.read_text(), GRACE, "its first thread has ended")
        assert identity(child.pid) is not None
        child.kill()
    assert identity(child.pid) is None
