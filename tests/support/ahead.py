"""Start slow builds when the tests start, at the lowest priority, because they are needed only late.

The builds are Docker's compose and the preview's packages. A test that needs one waits for the lock held during the
build. A build that fails here fails again in that test, which reports it.
"""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

import pytest

from dashboards.preview import web
from streams.errors import UserError
from tests.support import compose

ROOT = Path(__file__).resolve().parents[2]
# The test files that need the builds.
FOR = frozenset({"test_compose_config.py", "test_preview.py"})


def begin(files: Collection[str]) -> "subprocess.Popen[bytes] | None":
    """Start the builds in the background if the run includes all the test files that need them."""
    if not FOR.issubset(files):
        return None
    nice = [found, "-n", "19"] if (found := shutil.which("nice")) else []
    return subprocess.Popen(
        [*nice, sys.executable, "-m", __name__],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def end(process: "subprocess.Popen[bytes]") -> None:
    """Kill the builds that still run."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def main() -> None:
    """Run both builds."""
    with suppress(UserError):
        web.ready(lambda _line: None)
    with suppress(pytest.skip.Exception):
        compose.program()


if __name__ == "__main__":
    main()
