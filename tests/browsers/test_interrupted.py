"""A run of the matrix that is interrupted ends every process that it started: browsers, drivers, screen, stack."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.browsers import matrix, processes
from tests.browsers.machine import MissingError, toxiproxy
from tests.browsers.scenario import ALL
from tests.support import leftovers
from tests.support.documented import ROOT
from tests.support.wait import until

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]

# A start of the stack on a busy machine, and its end.
START_SECONDS, END_SECONDS = 280.0, 90.0
MARK = "BROWSERS_OF_TEST"
# Of each browser its first process: others of Chromium's hide their environment.
SEEN = {"chromium": "--headless", "firefox": "-marionette", "webkit": "MiniBrowser"}
INTERRUPTED = 130


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_an_interrupted_run_leaves_nothing(tmp_path: Path, number: signal.Signals) -> None:
    here, missing = matrix.present(ALL)
    if not here:
        pytest.skip("; ".join(missing.values()))
    try:
        toxiproxy()
    except MissingError as error:
        pytest.skip(str(error))
    engine = next(iter(here))
    mark = f"{MARK}={tmp_path.name}"
    environment = {"IMPRESSIONS_DATA_DIR": str(tmp_path), "PYTHONPATH": str(ROOT), MARK: tmp_path.name}
    run = subprocess.Popen(
        [sys.executable, "-m", "tests.browsers", "--engine", engine, "--group", "exit", "--results", str(tmp_path)],
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
    )
    try:
        until(lambda: run.poll() is not None or _runs(mark, SEEN[engine]), START_SECONDS, "a browser runs")
        run.send_signal(number)
        output, _ = run.communicate(timeout=END_SECONDS)
    finally:
        run.kill()
    assert run.returncode == (INTERRUPTED if number == signal.SIGTERM else -number), output
    until(lambda: not leftovers.carrying(mark), END_SECONDS, "nothing of it runs any more")


def _runs(mark: str, what: str) -> bool:
    return any(what in processes.command(pid) for pid in leftovers.carrying(mark))
