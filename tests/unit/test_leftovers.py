"""Processes that a test process started don't outlive it, even if it is killed."""

import subprocess
import sys

from tests.support import leftovers
from tests.support.wait import until

# Starts a process in its own session, as the embedded stack does, and waits.
SCRIPT = """
import os, subprocess, sys
from tests.support import leftovers
leftovers.watch()
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
print(os.environ[leftovers.MARK], flush=True)
input()
"""
SECONDS = 60.0


def test_what_a_killed_process_started_is_killed() -> None:
    with subprocess.Popen([sys.executable, "-c", SCRIPT], stdin=-1, stdout=-1, text=True, cwd=leftovers.ROOT) as tests:
        assert tests.stdout is not None
        mark = tests.stdout.readline().strip()
        assert len(leftovers.marked(mark)) == 1
        tests.kill()
    until(lambda: not leftovers.marked(mark), SECONDS, "the process that it started has ended")
