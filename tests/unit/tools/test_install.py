"""`make setup` shows how far pip is, and ends it when it is interrupted."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import leftovers
from tools.install import install, installed, lines, pins

ROOT = Path(__file__).resolve().parents[3]
SECONDS = 30.0
SAID = "Collecting a==1\nDownloading a\nIgnoring b: markers\nCollecting c==3\nInstalling collected packages: a, c\n"


def fake(folder: Path, script: str) -> list[str]:
    """A command that says what pip says."""
    path = folder / "pip.sh"
    path.write_text(f"printf '{SAID}'\n{script}\n")
    return ["sh", str(path)]


def test_both_stages_are_shown_and_the_end_is_complete(tmp_path: Path) -> None:
    shown: list[tuple[str, int, int]] = []
    counts = iter([10, 10, 11])
    done = install(fake(tmp_path, "sleep 0.3"), 3, lambda: next(counts, 12), lambda *each: shown.append(each))
    assert done == 0
    assert shown[:3] == [("fetching", 1, 3), ("fetching", 2, 3), ("fetching", 3, 3)]
    assert shown[3] == ("installing", 0, 3)
    assert shown[-1] == ("installing", 3, 3)


def test_pips_failure_is_its_exit_code_and_shows_no_end(tmp_path: Path) -> None:
    shown: list[tuple[str, int, int]] = []
    assert install(fake(tmp_path, "exit 7"), 3, lambda: 0, lambda *each: shown.append(each)) == 7
    assert ("installing", 3, 3) not in shown


def test_without_a_terminal_there_is_a_line_for_each_quarter(capsys: pytest.CaptureFixture[str]) -> None:
    show = lines()
    for done in range(101):
        show("fetching", done, 100)
    assert capsys.readouterr().out.splitlines() == [f"fetching packages: {n} of 100" for n in (0, 25, 50, 75, 100)]


def test_the_lock_files_packages_are_counted() -> None:
    assert pins(ROOT / "requirements.lock") > 50
    assert installed() > 50


def test_it_needs_nothing_but_the_standard_library() -> None:
    loaded = "import sys, tools.install; print([n for n in sys.modules if 'site-packages' in str(sys.modules[n])])"
    done = subprocess.run(
        [sys.executable, "-S", "-c", loaded], cwd=ROOT, capture_output=True, text=True, check=True, env={}
    )
    assert done.stdout == "[]\n"


def test_a_signal_ends_pip_too(tmp_path: Path) -> None:
    script = "import sys; from tools import install as i; i.PIP = tuple(sys.argv[2:]); sys.exit(i.main(sys.argv[1:2]))"
    (tmp_path / "lock").write_text("a==1\n")
    value = f"{os.getpid()}-install"
    process = subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path / "lock"), *fake(tmp_path, "exec sleep 600")],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PIP_OF_TEST": value},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "fetching packages: 1 of 1\n"
    process.send_signal(signal.SIGTERM)
    said, _ = process.communicate(timeout=SECONDS)
    assert said.endswith("Interrupted by SIGTERM.\n")
    assert process.returncode == 143
    assert leftovers.carrying(f"PIP_OF_TEST={value}") == []
