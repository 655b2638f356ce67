"""The trackers' packages and bundles: installed by npm from the lock file, bundled by esbuild, both into `.local`."""

import fcntl
import hashlib
import shutil
from collections.abc import Callable
from pathlib import Path

from dashboards.preview.web import node, run

SOURCES = Path(__file__).resolve().parent
FOLDER = SOURCES.parents[2] / ".local" / "trackers"
INSTALL_SECONDS = 600
BUILD_SECONDS = 120

Out = Callable[[str], None]


def bundles(out: Out) -> Path:
    """Install the packages if the lock file has changed since, bundle each tracker, and return the bundles' folder.

    Its files are `<name>.js`, each a tracker with its adapter. Raises UserError if Node is missing, or npm or the
    bundler fails.
    """
    FOLDER.mkdir(parents=True, exist_ok=True)
    with (FOLDER / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        _install(out)
        command = [node(), str(SOURCES / "build.mjs"), str(FOLDER), str(FOLDER / "bundle")]
        run(command, FOLDER, BUILD_SECONDS, "The trackers can't be bundled")
    return FOLDER / "bundle"


def _install(out: Out) -> None:
    files = ["package.json", "package-lock.json", ".npmrc"]
    wanted = hashlib.sha256(b"".join((SOURCES / name).read_bytes() for name in files)).hexdigest()
    done = FOLDER / "installed"
    if done.exists() and done.read_text() == wanted:
        return
    node()
    out("installing the trackers' packages (once; seconds)")
    done.unlink(missing_ok=True)
    for name in files:
        shutil.copyfile(SOURCES / name, FOLDER / name)
    run(["npm", "ci", "--no-progress"], FOLDER, INSTALL_SECONDS, "npm can't install the trackers' packages")
    done.write_text(wanted)
