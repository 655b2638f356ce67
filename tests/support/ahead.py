"""What takes minutes to make and is needed late, begun when the tests begin, behind everything else.

Docker's compose and the preview's packages. Whoever needs them waits for the lock that is held meanwhile; what fails
here fails again there, and is told there.
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
# The files of tests that need them.
FOR = frozenset({"test_compose_config.py", "test_preview.py"})


def begin(files: Collection[str]) -> "subprocess.Popen[bytes] | None":
    """Start in the background if one of the tests' files needs it."""
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
    """Leave nothing of it running."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def main() -> None:
    """Make both."""
    with suppress(UserError):
        web.ready(lambda _line: None)
    with suppress(pytest.skip.Exception):
        compose.program()


if __name__ == "__main__":
    main()
