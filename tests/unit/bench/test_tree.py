"""A process tree's CPU time and memory are those of all of its processes and no others."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bench.lib.tree import TICKS_A_SECOND, usage
from streams.errors import UserError


def entry(proc: Path, pid: int, parent: int, ticks: tuple[int, int, int, int], kib: int, name: str = "python") -> None:
    folder = proc / str(pid)
    folder.mkdir()
    before = [str(parent), *["0"] * 9]
    (folder / "stat").write_text(f"{pid} ({name}) S {' '.join([*before, *map(str, ticks), *['0'] * 6, '7'])} 0\n")
    (folder / "status").write_text(f"Name:\t{name}\nVmPeak:\t  999999 kB\nVmHWM:\t  {kib} kB\nVmRSS:\t  1 kB\n")


def test_children_count_whether_they_live_or_have_ended(tmp_path: Path) -> None:
    entry(tmp_path, 10, 1, (100, 20, 3, 4), 1_000)
    entry(tmp_path, 11, 10, (200, 0, 0, 0), 500, name="a) S 10 (b")
    entry(tmp_path, 12, 11, (0, 1_000, 0, 0), 50)
    entry(tmp_path, 13, 1, (9_999, 9_999, 0, 0), 9_999)
    (tmp_path / "self").mkdir()
    found = usage(10, tmp_path)
    assert found.cpu_seconds * TICKS_A_SECOND == pytest.approx(100 + 20 + 3 + 4 + 200 + 1_000)
    assert found.peak_bytes == 1_550 * 1024
    assert found.resident_bytes == 3 * 7 * os.sysconf("SC_PAGE_SIZE")


def test_a_process_that_has_ended_has_used_nothing(tmp_path: Path) -> None:
    entry(tmp_path, 11, 10, (200, 0, 0, 0), 500)
    assert usage(10, tmp_path) == usage(None, tmp_path) == (0.0, 0, 0)


def test_without_proc_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="Linux only"):
        usage(10, tmp_path / "proc")


def test_a_real_childs_cpu_time_counts_for_its_parent() -> None:
    burn = "import time\nwhile time.process_time() < 0.25: pass"
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {burn!r}]); print(flush=True); input()"
    with subprocess.Popen([sys.executable, "-c", parent], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        child = usage(process.pid)
        process.communicate(b"\n")
    # The kernel counts user and system time separately, each in whole ticks of 10 ms, rounded down.
    assert child.cpu_seconds >= 0.2
    assert child.peak_bytes > 1 << 20
    assert usage(os.getpid()).peak_bytes > 1 << 20
