"""Programs that run to their end, such as Maven: an exception, also that of a signal, ends them too."""

import os
import subprocess
from collections.abc import Mapping, Sequence
from typing import IO

from streams.runtime import interrupts


def run(
    argv: Sequence[str],
    *,
    seconds: float | None = None,
    output: IO[bytes] | None = None,
    environment: Mapping[str, str] | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run a program without input and return how it ended, with its output as text, unless this goes to a file.

    `environment` is added to this process's own. Unlike subprocess.run, it leaves no process, whenever a signal comes.
    Raises OSError if it can't be executed, subprocess.TimeoutExpired if it takes longer than `seconds`.
    """
    written: IO[bytes] | int = subprocess.PIPE if output is None else output
    child: subprocess.Popen[str] | None = None
    try:
        with interrupts.held():
            child = subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=written,
                stderr=written,
                text=True,
                encoding="utf-8",
                errors="replace",
                env={**os.environ, **(environment or {})},
            )
        said, complained = child.communicate(timeout=seconds)
    except BaseException:
        if child is not None:
            child.kill()
            child.wait()
        raise
    return subprocess.CompletedProcess(argv, child.returncode, said, complained)
