"""Programs from Debian's packages, fetched without installing them if they are missing."""

import fcntl
import shutil
import subprocess
from pathlib import Path

from streams.errors import UserError

TOOLS = Path(__file__).resolve().parents[1] / ".local" / "tools"
# For a download of tens of MB, or of the package lists before it.
FETCH_SECONDS = 240


class MissingToolsError(UserError):
    """There is no apt-get or dpkg-deb, so nothing can be fetched."""


def program(name: str, package: str) -> str:
    """Return the path of a program; if it is missing, fetch it into `.local/tools` without installing it.

    It is unpacked into a folder: an installation would start the package's service. Raises MissingToolsError if it
    can't be fetched at all, UserError if fetching it failed.
    """
    found = shutil.which(name)
    if found:
        return found
    if shutil.which("apt-get") is None or shutil.which("dpkg-deb") is None:
        raise MissingToolsError(
            f"{name} is missing, and without Debian's tools it can't be fetched: install its {package}."
        )
    folder = TOOLS / package
    path = folder / "usr" / "bin" / name
    TOOLS.mkdir(parents=True, exist_ok=True)
    # One lock for all programs: apt-get itself runs one update at a time and refuses a second.
    with (TOOLS / "packages.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not path.exists() and not _fetch(package, folder):
            raise UserError(f"{name} is missing, and fetching it failed: apt-get install {package}.")
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
    done = subprocess.run(command, cwd=folder, capture_output=True, check=False, timeout=FETCH_SECONDS)
    return done.returncode
