"""Programs of Debian's packages, for tests that hold our files against what reads them."""

import fcntl
import shutil
import subprocess
from pathlib import Path

import pytest

TOOLS = Path(__file__).resolve().parents[2] / ".local" / "tools"


def program(name: str, package: str) -> str:
    """Return the path of a program, fetched without being installed where it is not there.

    The test is skipped where it can't be had at all, which is where there is no apt-get: it is no prerequisite.

    Unpacked into a folder: an installation would start the package's service, which tests would leave running.
    """
    found = shutil.which(name)
    if found:
        return found
    if shutil.which("apt-get") is None or shutil.which("dpkg-deb") is None:
        pytest.skip(f"{name} is missing, and without Debian's tools it can't be fetched: install its {package}")
    folder = TOOLS / package
    path = folder / "usr" / "bin" / name
    TOOLS.mkdir(parents=True, exist_ok=True)
    with (TOOLS / f"{package}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not path.exists() and not _fetch(package, folder):
            pytest.fail(f"{name} is missing, and fetching it failed: apt-get install {package}")
    return str(path)


def _fetch(package: str, folder: Path) -> bool:
    download = folder.with_suffix(".download")
    shutil.rmtree(download, ignore_errors=True)
    download.mkdir()
    get = ["apt-get", "--quiet", "download", package]
    if _run(get, download) or (not _run(["apt-get", "--quiet", "update"], download) and _run(get, download)):
        return False
    (archive,) = download.glob("*.deb")
    return not _run(["dpkg-deb", "--extract", str(archive), str(folder)], download)


def _run(command: list[str], folder: Path) -> int:
    return subprocess.run(command, cwd=folder, capture_output=True, check=False, timeout=240).returncode
