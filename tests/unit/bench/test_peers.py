"""The Python peers' shared code works, and their environments hold exactly what is pinned."""

import re
import subprocess
from pathlib import Path

import pytest

from bench.lib.measure import total
from bench.peers import venv
from bench.peers.common import COUNTER, WINDOW_MS, Progress, Task, is_near, kept
from streams.errors import UserError
from streams.settings import Settings

START = 2_000 * WINDOW_MS
REQUIREMENTS = sorted(venv.FOLDER.glob("*/requirements.txt"))


@pytest.mark.parametrize(
    ("apart", "near"),
    [(0, True), (WINDOW_MS - 1, True), (1 - WINDOW_MS, True), (WINDOW_MS, False), (-WINDOW_MS, False)],
)
def test_near_is_less_than_a_window_on_either_side(apart: int, near: bool) -> None:
    assert is_near(START + apart, [START - 9 * WINDOW_MS, START]) is near


def test_only_times_that_nothing_can_still_be_near_are_forgotten() -> None:
    assert kept([START, START + WINDOW_MS], START + 2 * WINDOW_MS - 1) == [
        START,
        START + WINDOW_MS,
        START + 2 * WINDOW_MS - 1,
    ]
    assert kept([START, START + WINDOW_MS], START + 2 * WINDOW_MS) == [START + WINDOW_MS, START + 2 * WINDOW_MS]


def test_progress_is_a_metric_that_the_bench_can_read() -> None:
    progress = Progress()
    progress.impressions += 12
    assert total(progress.exposition().decode(), COUNTER) == 12


def test_a_task_is_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    values = {"BOOTSTRAP": "b:1", "FOLDER": "f", "METRICS_PORT": "2", "PARTITIONS": "4", "INPUT": "i", "OUTPUT": "o"}
    for name, value in {**values, "GROUP": "g", "VARIANT": "", "SIZE": "10"}.items():
        monkeypatch.setenv(f"PEER_{name}", value)
    assert Task.load() == Task("b:1", Path("f"), 2, 4, "i", "o", "g", "", 10)
    monkeypatch.delenv("PEER_OUTPUT")
    with pytest.raises(KeyError, match="PEER_OUTPUT"):
        Task.load()


@pytest.mark.parametrize("path", REQUIREMENTS, ids=lambda path: path.parent.name)
def test_every_package_of_a_peer_is_pinned_by_hash(path: Path) -> None:
    lines = path.read_text().splitlines()
    packages = [line for line in lines if not line.startswith("    --hash=sha256:")]
    assert packages
    assert all(re.fullmatch(r"[\w.-]+(\[\w+\])?==[\w.+!]+ \\", line) for line in packages)
    asked = path.with_suffix(".in").read_text().split()
    assert {re.sub(r"\[\w+\]", "", each) for each in asked} <= {line.removesuffix(" \\") for line in packages}


def test_an_existing_environment_is_not_rebuilt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[list[str]] = []
    monkeypatch.setattr(venv, "_run", lambda _, argv, *__: made.append(argv))
    settings, told = Settings(data_dir=tmp_path), list[str]()
    python = venv.python("bytewax", settings, told.append)
    assert python == str(tmp_path / "bench-peers" / "bytewax" / "bin" / "python")
    assert len(told) == 1
    assert "--require-hashes" in made[-1]
    made.clear()
    (tmp_path / "bench-peers" / "bytewax" / "requirements.sha256").write_text("of other requirements")
    venv.python("bytewax", settings, told.append)
    assert made
    made.clear()
    assert venv.python("bytewax", settings, told.append) == python
    assert not made
    assert len(told) == 2


def test_if_pip_fails_there_is_an_error_and_no_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(venv, "FOLDER", tmp_path)
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "requirements.txt").write_text("no such thing\n")
    monkeypatch.setattr(subprocess, "run", lambda argv, **_: subprocess.CompletedProcess(argv, 1))
    settings = Settings(data_dir=tmp_path / "data")
    for _ in range(2):
        with pytest.raises(UserError, match=r"broken: its packages can't be installed .*broken\.log"):
            venv.python("broken", settings, lambda _: None)
