"""Virtual users over HTTP on a whole stack, with a collector that is killed under them: all is there, once."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from streams.embedded.run_folder import RunFolder
from tests.support import leftovers
from tests.support.documented import ROOT
from tests.support.stack import stack_settings

pytestmark = pytest.mark.integration

# A start on a busy machine, and two plays of some seconds (s).
RUN_SECONDS, STOP_SECONDS = 280.0, 90.0
MARK = "LOAD_OF_TEST"
FEW = ("--users", "50", "--rate", "6000", "--duration", "4", "--disturbed-seconds", "6", "--every", "3")


def start(folder: Path, *arguments: str) -> "subprocess.Popen[str]":
    """Start the load runs with their stack in a folder."""
    environment = {"IMPRESSIONS_DATA_DIR": str(stack_settings(folder).data_dir), "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        [sys.executable, "-m", "load", *arguments, "--results", str(folder / "results")],
        env={**os.environ, **environment, MARK: folder.name},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
    )


def check_nothing_runs(folder: Path) -> None:
    """Raise AssertionError if a process of the runs, or a record of one, is left."""
    assert leftovers.carrying(f"{MARK}={folder.name}") == []
    assert RunFolder(folder / "load").recorded() == []


def test_all_that_users_record_is_there_once_though_the_collector_is_killed(tmp_path: Path) -> None:
    load = start(tmp_path, *FEW, "--only", "rate", "--only", "kills")
    output, _ = load.communicate(timeout=RUN_SECONDS)
    assert load.returncode == 0, output
    runs: dict[str, Any] = json.loads((tmp_path / "results" / "load.json").read_text())["runs"]
    for name, impressions in (("rate", 400), ("kills", 600)):
        found = runs[name]["outcome"]
        verdict = found["verdict"]
        assert verdict["right"], verdict
        assert verdict["recorded"] == found["impressions"] == impressions
        assert verdict["found"] == verdict["expected"] > 0.9 * impressions
        assert found["recording"]["count"] == verdict["flushes"]
        assert found["requests"]["202"] > 0
        assert found["packing"]["flushes_a_record"] >= 1
        assert all(used["peak_mib"] > 0 for used in found["used"].values()), found["used"]
    assert len(runs["kills"]["outcome"]["events"]) == 1
    assert "collector-0 killed, back after" in output
    check_nothing_runs(tmp_path)


def test_an_interrupted_run_leaves_nothing(tmp_path: Path) -> None:
    load = start(tmp_path, *FEW, "--only", "rate", "--duration", "600")
    assert load.stdout is not None
    for line in load.stdout:
        if "the crowd:" in line:
            break
    load.send_signal(signal.SIGINT)
    output, _ = load.communicate(timeout=STOP_SECONDS)
    assert load.returncode == 130, output
    assert "everything that was started is stopped" in output
    check_nothing_runs(tmp_path)
