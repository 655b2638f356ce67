"""A signal at any moment ends what a command has started, with real processes and signals."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from streams.runtime.interrupts import SIGNALS, Interrupted, Interrupts, check, held
from tests.support import leftovers
from tests.support.wait import until

ROOT = Path(__file__).resolve().parents[3]
SECONDS = 30.0
# Starts programs until a signal comes, then stops all that are recorded, as the demo does.
STARTER = """
import sys
from pathlib import Path
from streams.embedded import stack, tool
from streams.embedded.program import Program
from streams.embedded.run_folder import RunFolder
from streams.runtime.interrupts import Interrupted, Interrupts
from streams.settings import Settings

folder, interrupts = Path(sys.argv[1]), Interrupts()
interrupts.install()
try:
    try:
        print("begun", flush=True)
        for number in range(100):
            Program(f"p-{number}", RunFolder(folder), ["sleep", "600"]).start()
            tool.run(["sleep", "0.01"])
        tool.run(["sleep", "600"])
    finally:
        interrupts.end()
except Interrupted:
    pass
finally:
    stack.down(Settings(data_dir=folder), out=lambda _: None)
sys.exit(interrupts.exit_code)
"""


@pytest.fixture
def interrupts() -> Iterator[Interrupts]:
    """Handlers that are installed for the test alone."""
    before = {number: signal.getsignal(number) for number in SIGNALS}
    installed = Interrupts()
    installed.install()
    yield installed
    installed.end()
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", SIGNALS, ids=lambda number: number.name)
def test_a_signal_is_an_exception_and_an_exit_code(interrupts: Interrupts, number: signal.Signals) -> None:
    with pytest.raises(Interrupted, match=number.name):
        signal.raise_signal(number)
    assert interrupts.received is number
    assert interrupts.exit_code == {"SIGINT": 130, "SIGTERM": 143, "SIGHUP": 129}[number.name]


def test_without_a_signal_there_is_no_exit_code(interrupts: Interrupts) -> None:
    assert interrupts.exit_code is None
    check()


def test_a_second_signal_raises_nothing_and_the_first_decides_the_exit_code(interrupts: Interrupts) -> None:
    with pytest.raises(Interrupted):
        signal.raise_signal(signal.SIGHUP)
    signal.raise_signal(signal.SIGINT)
    assert interrupts.exit_code == 129


def test_while_everything_is_stopped_a_signal_only_changes_the_exit_code(interrupts: Interrupts) -> None:
    interrupts.end()
    signal.raise_signal(signal.SIGTERM)
    check()
    assert interrupts.exit_code == 143


def test_an_exception_that_got_lost_is_raised_by_a_check(interrupts: Interrupts) -> None:
    with pytest.raises(Interrupted):
        signal.raise_signal(signal.SIGTERM)
    with pytest.raises(Interrupted, match="SIGTERM"):
        check()


def test_a_held_signal_is_raised_after_the_body(interrupts: Interrupts) -> None:
    done = []

    def hold() -> None:
        with held():
            with held():
                signal.raise_signal(signal.SIGTERM)
                done.append("inner")
            done.append("outer")
        done.append("after")

    with pytest.raises(Interrupted):
        hold()
    assert done == ["inner", "outer"]


def test_another_thread_does_not_hold_the_main_thread(interrupts: Interrupts) -> None:
    entered, leave, checked = threading.Event(), threading.Event(), list[bool]()

    def hold() -> None:
        with held():
            entered.set()
            leave.wait(SECONDS)
            check()
            checked.append(True)

    thread = threading.Thread(target=hold)  # a check there raises nothing either
    thread.start()
    try:
        assert entered.wait(SECONDS)
        with pytest.raises(Interrupted):
            signal.raise_signal(signal.SIGINT)
    finally:
        leave.set()
        thread.join()
    assert checked


def test_what_nohup_ignores_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    others = {number: signal.getsignal(number) for number in SIGNALS if number != signal.SIGHUP}
    installed = Interrupts()
    try:
        installed.install()
        signal.raise_signal(signal.SIGHUP)
        assert installed.received is None
    finally:
        signal.signal(signal.SIGHUP, before)
        for number, handler in others.items():
            signal.signal(number, handler)


@pytest.mark.parametrize("number", SIGNALS, ids=lambda number: number.name)
@pytest.mark.parametrize("seed", range(5))
def test_a_signal_at_any_moment_leaves_no_process(tmp_path: Path, seed: int, number: signal.Signals) -> None:
    """Also one that comes between the start of a process and its record."""
    name, value = "INTERRUPTED_BY_TEST", f"{os.getpid()}-{seed}-{number.name}"
    process = subprocess.Popen(
        [sys.executable, "-c", STARTER, str(tmp_path)],
        env={**os.environ, "PYTHONPATH": str(ROOT), name: value},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "begun\n"
    # So many were started when the signal comes, or are just being.
    goal = Random(f"{seed}/{number}").randint(1, 40)
    run = tmp_path / "run"
    until(lambda: len(list(run.glob("*.json"))) >= goal, SECONDS, "they are started")
    process.send_signal(number)
    assert process.wait(SECONDS) == 128 + number
    assert list(run.glob("*.json")) == []
    assert leftovers.carrying(f"{name}={value}") == []
    process.stdout.close()
