"""The page's packages and bundle: installed by npm from the lock file, bundled by esbuild, both into `.local`."""

import fcntl
import hashlib
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from streams.errors import UserError

SOURCES = Path(__file__).resolve().parent
FOLDER = SOURCES.parents[1] / ".local" / "preview"
# npm fetches half a gigabyte once; on a slow connection that takes minutes.
INSTALL_SECONDS = 900
BUILD_SECONDS = 120
OLDEST_NODE = 18
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")

Out = Callable[[str], None]


def ready(out: Out) -> Path:
    """Install the packages if the lock file has changed since, bundle the page, and return the folder of both.

    Raises UserError if Node is missing, or npm or the bundler fails.
    """
    node()
    FOLDER.mkdir(parents=True, exist_ok=True)
    with (FOLDER / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        _install(out)
        command = [node(), str(SOURCES / "build.mjs"), str(FOLDER), str(FOLDER / "bundle")]
        run(command, FOLDER, BUILD_SECONDS, "The page can't be bundled")
    return FOLDER


def node() -> str:
    """Return Node's path. If Node or npm is missing or too old, raises UserError that names Debian's package."""
    found = shutil.which("node")
    if found is None or shutil.which("npm") is None:
        raise UserError("Node or npm is missing: install Debian's nodejs and npm.")
    version = subprocess.run([found, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    if int(version.lstrip("v").partition(".")[0]) < OLDEST_NODE:
        raise UserError(f"Node {version} is too old: install {OLDEST_NODE} or newer, as Debian's nodejs is.")
    return found


def browser() -> str:
    """Return Chromium's path. If there is none, raises UserError that names Debian's package."""
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        raise UserError("Chromium is missing: install Debian's chromium.")
    return found


def may_sandbox() -> bool:
    """Return whether Chromium can use its sandbox: it refuses to as root."""
    return os.geteuid() != 0


def run(command: list[str], folder: Path, seconds: float, failure: str, given: str | None = None) -> str:
    """Run a program to its end and return its output. Raises UserError with the failure and the program's output."""
    try:
        done = subprocess.run(
            command, cwd=folder, input=given, capture_output=True, text=True, check=False, timeout=seconds
        )
    except subprocess.TimeoutExpired:
        raise UserError(f"{failure}: {Path(command[0]).name} took longer than {seconds:.0f} s.") from None
    if done.returncode != 0:
        raise UserError(f"{failure}: {(done.stderr or done.stdout).strip()[-2000:]}")
    return done.stdout


def _install(out: Out) -> None:
    files = ["package.json", "package-lock.json", ".npmrc"]
    wanted = hashlib.sha256(b"".join((SOURCES / name).read_bytes() for name in files)).hexdigest()
    done = FOLDER / "installed"
    if done.exists() and done.read_text() == wanted:
        return
    out("installing the preview's packages (once; half a minute to a few)")
    done.unlink(missing_ok=True)
    for name in files:
        shutil.copyfile(SOURCES / name, FOLDER / name)
    run(["npm", "ci", "--no-progress"], FOLDER, INSTALL_SECONDS, "npm can't install the preview's packages")
    done.write_text(wanted)
