"""Processes are started detached, recognised by more than their pid, and stopped by their record alone."""

import os
import platform
import re
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from streams.embedded import process
from streams.embedded.identity import identity
from streams.errors import UserError
from streams.settings import Settings
from tests.support.wait import until

# Ends on SIGTERM like any program; says when it is there.
OBEYS = "import signal; print('there', flush=True); signal.pause()"
# Takes no SIGTERM, and has a child that takes none either.
STUBBORN = """
import os, signal
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = os.fork()
print('child' if child == 0 else 'there', os.getpid(), flush=True)
while True:
    signal.pause()
"""
GRACE = 20.0
# A grace that is over before the stubborn ones could notice.
NO_GRACE = 0.05
# Linux's call that ends one thread, by machine.
EXIT_OF_A_THREAD = {"x86_64": 60, "aarch64": 93}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path)


def start(settings: Settings, program: str, name: str = "p") -> process.Started:
    started = process.start(name, [sys.executable, "-c", program], settings, {"SAID": "so"})
    until(lambda: "there" in process.log_file(name, settings).read_text(), GRACE, f"{name} prints")
    return started


def test_start_records_and_stop_ends(settings: Settings) -> None:
    started = start(settings, OBEYS)
    record = process.run_file("p", settings)
    assert stat.S_IMODE(record.stat().st_mode) == 0o600
    assert process.read("p", settings) == started
    assert process.alive("p", settings)
    assert process.recorded(settings) == ["p"]
    assert os.getsid(started.pid) == started.pid
    assert process.stop("p", settings, GRACE)
    assert identity(started.pid) is None
    assert not record.exists()
    assert not process.stop("p", settings, GRACE)


def test_the_environment_is_passed_on_and_output_appended(settings: Settings) -> None:
    for _ in range(2):
        process.start("p", [sys.executable, "-c", "import os; print(os.environ['SAID'])"], settings, {"SAID": "so"})
        assert process.wait_exit("p", settings, GRACE)
    assert process.log_file("p", settings).read_text() == "so\nso\n"


def test_a_log_that_has_grown_is_set_aside(settings: Settings) -> None:
    log = process.log_file("p", settings)
    log.parent.mkdir(parents=True)
    with log.open("wb") as file:
        file.truncate(process.LOG_BYTES + 1)
    start(settings, OBEYS)
    process.stop("p", settings, GRACE)
    assert log.with_suffix(".log.1").stat().st_size == process.LOG_BYTES + 1
    assert log.read_text() == "there\n"


def test_what_takes_no_sigterm_is_killed_with_its_children(settings: Settings) -> None:
    start(settings, STUBBORN)
    log = process.log_file("p", settings)
    # Two processes print into one file at the same time, so their lines may run into each other.
    pids = until(lambda: len(found := re.findall(r" (\d+)", log.read_text())) == 2 and found, GRACE, "both print")
    assert process.stop("p", settings, NO_GRACE)
    for pid in map(int, pids or ()):
        until(lambda pid=pid: identity(pid) is None, GRACE, "killed")  # type: ignore[misc]


def test_a_record_of_a_process_that_is_gone_is_stale(settings: Settings) -> None:
    started = start(settings, OBEYS)
    os.kill(started.pid, 9)
    until(lambda: not process.alive("p", settings), GRACE, "killed")
    assert process.clean_stale("p", settings) == f"p: removed a stale record, its process {started.pid} is gone"
    assert process.clean_stale("p", settings) is None


def test_another_process_with_the_recorded_pid_is_left_alone(settings: Settings) -> None:
    with subprocess.Popen([sys.executable, "-c", OBEYS], stdout=subprocess.PIPE) as other:
        assert other.stdout
        assert other.stdout.readline()
        ours = process.Started(name="p", pid=other.pid, identity="another boot/1", argv=["p"], since=0.0)
        process.write(process.run_file("p", settings), ours)
        assert not process.alive("p", settings)
        assert not process.stop("p", settings, GRACE)
        assert identity(other.pid) is not None
        process.write(process.run_file("p", settings), ours)
        sentence = process.clean_stale("p", settings)
        assert sentence == f"p: removed a stale record, its process {other.pid} is another program's by now"
        other.kill()


def test_a_running_process_is_not_stale(settings: Settings) -> None:
    start(settings, OBEYS)
    assert process.clean_stale("p", settings) is None
    assert not process.wait_exit("p", settings, NO_GRACE)
    process.stop("p", settings, GRACE)


def test_a_damaged_record_is_named(settings: Settings) -> None:
    path = process.run_file("p", settings)
    path.parent.mkdir(parents=True)
    path.write_text("{")
    with pytest.raises(UserError, match="remove it"):
        process.read("p", settings)


def test_a_program_that_is_not_there_leaves_no_record(settings: Settings) -> None:
    with pytest.raises(FileNotFoundError):
        process.start("p", ["/nonexistent/program"], settings)
    assert process.recorded(settings) == []


def test_a_zombie_does_not_run(settings: Settings) -> None:
    child = subprocess.Popen([sys.executable, "-c", ""])
    until(lambda: identity(child.pid) is None, GRACE, "ended")
    assert child.wait() == 0


@pytest.mark.skipif(platform.machine() not in EXIT_OF_A_THREAD, reason="the number of the call exit(2) is not known")
def test_a_process_whose_first_thread_alone_has_ended_runs(settings: Settings) -> None:
    """As for a moment after SIGKILL, when its other threads still hold its ports."""
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
