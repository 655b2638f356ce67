"""The browsers and tools of this machine: where they are, how to get them, and their versions."""

import fcntl
import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from streams.errors import UserError
from tests.browsers.subjects import ROOT

TOOLS = ROOT / ".local" / "tools" / "browsers"
GECKODRIVER, TOXIPROXY = "0.37.1", "v2.12.0"
# Debian's place depends on the architecture.
MINI_BROWSERS = Path("/usr/lib")
# A first build compiles some hundred crates.
BUILD_SECONDS, ASK_SECONDS = 900.0, 30.0


class MissingError(UserError):
    """A browser or a tool isn't here: one sentence that says how to get it."""


def program(name: str, package: str) -> Path:
    """Return the path of a program. Raises MissingError that names Debian's package."""
    found = shutil.which(name)
    if found is None:
        raise MissingError(f"{name} is missing: apt-get install {package}")
    return Path(found)


def mini_browser() -> Path:
    """Return WebKitGTK's own browser."""
    found = sorted(MINI_BROWSERS.glob("*/webkit2gtk-4.1/MiniBrowser"))
    if not found:
        raise MissingError("WebKitGTK's MiniBrowser is missing: apt-get install webkit2gtk-driver")
    return found[0]


def geckodriver() -> Path:
    """Return Firefox's driver, which Debian doesn't have: built once."""
    crate = ["install", "--quiet", "--locked", "--version", GECKODRIVER, "--root", str(TOOLS), "geckodriver"]
    return _built("geckodriver", TOOLS / "bin" / "geckodriver", ["cargo", *crate], "cargo")


def toxiproxy() -> Path:
    """Return Toxiproxy's server: built once."""
    module = f"github.com/Shopify/toxiproxy/v2/cmd/server@{TOXIPROXY}"
    built = TOOLS / "bin" / "toxiproxy-server"
    return _built("Toxiproxy", built, ["go", "install", module], "golang-go", TOOLS / "bin" / "server")


def version(argv: Sequence[str]) -> str:
    """Return the first line that a program prints about its version."""
    done = subprocess.run(argv, capture_output=True, text=True, timeout=ASK_SECONDS, check=False)
    return (done.stdout.strip() or "unknown").splitlines()[0].strip()


def _built(name: str, path: Path, argv: Sequence[str], package: str, made: Path | None = None) -> Path:
    if path.exists():
        return path
    builder = program(argv[0], package)
    with _lock():
        if not path.exists():
            _build(name, [str(builder), *argv[1:]])
            if made is not None:
                made.replace(path)
    return path


def _build(name: str, argv: Sequence[str]) -> None:
    environment = {"GOBIN": str(TOOLS / "bin"), "GOFLAGS": "-modcacherw"}

    done = subprocess.run(
        argv, env={**os.environ, **environment}, capture_output=True, text=True, timeout=BUILD_SECONDS, check=False
    )
    if done.returncode:
        last = (done.stderr.strip() or "no message").splitlines()[-1]
        raise MissingError(f"{name} could not be built by `{' '.join(argv)}`: {last}")


@contextmanager
def _lock() -> Iterator[None]:
    (TOOLS / "bin").mkdir(parents=True, exist_ok=True)
    with (TOOLS / "lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
