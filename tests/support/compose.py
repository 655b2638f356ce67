"""Docker's compose, used to read the project's files: interpreting them needs no Docker engine."""

import fcntl
import os
import shutil
import subprocess
from pathlib import Path

import pytest

MODULE = Path(__file__).with_suffix("")
TOOLS = Path(__file__).resolve().parents[2] / ".local" / "tools"
# Building its 1,500 packages takes five minutes on two idle cores, and much longer on busy ones.
BUILD_SECONDS = 1_500.0
RUN_SECONDS = 60.0


def program() -> list[str]:
    """Return the compose command: the installed one, or else one that is built here, once.

    Skips the test where neither compose nor Go, which builds it, is installed: they are not prerequisites.
    """
    if shutil.which("docker") and _succeeds("docker", "compose", "version"):
        return ["docker", "compose"]
    path = TOOLS / "compose" / "docker-compose"
    if path.exists():
        return [str(path)]
    if shutil.which("go") is None:
        pytest.skip("docker compose is missing, and without Go it can't be built: install docker's compose plugin")
    TOOLS.mkdir(parents=True, exist_ok=True)
    with (TOOLS / "compose.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not path.exists():
            _build(path)
    return [str(path)]


def _build(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(".new")
    done = subprocess.run(
        ["go", "build", "-trimpath", "-ldflags=-s -w", "-o", str(fresh), "github.com/docker/compose/v2/cmd"],
        cwd=MODULE,
        env=os.environ | {"CGO_ENABLED": "0"},
        capture_output=True,
        text=True,
        check=False,
        timeout=BUILD_SECONDS,
    )
    assert done.returncode == 0, f"docker compose can't be built:\n{done.stderr[-4000:]}"
    fresh.rename(path)


def _succeeds(*command: str) -> bool:
    return subprocess.run(command, capture_output=True, check=False, timeout=RUN_SECONDS).returncode == 0
