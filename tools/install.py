"""Install the locked packages into this interpreter's environment, with progress: pip alone is silent for a minute.

Run by `make setup`, before anything is installed: standard library alone.
"""

import re
import subprocess
import sys
import sysconfig
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from streams.runtime.interrupts import Interrupted, Interrupts, held

# Python compiles a module when it is first imported. To compile all of them takes 18 of pip's 45 seconds of a core.
OPTIONS = ("--disable-pip-version-check", "--no-input", "--progress-bar", "off", "--no-compile")
PIP = (sys.executable, "-m", "pip", "install", *OPTIONS)
PIN = re.compile(r"[A-Za-z0-9].*==")
# What pip says of each package before it installs them all at once.
FETCHED = ("Collecting ", "Ignoring ")
LOOK_SECONDS = 0.2
BAR_WIDTH = 30
# Without a terminal: a line for each quarter.
PARTS = 4

Show = Callable[[str, int, int], None]


def main(arguments: Sequence[str]) -> int:
    """Install what the lock file lists. Return pip's exit code, or 128 plus the number of the signal that ended it."""
    interrupts = Interrupts()
    interrupts.install()
    (lock,) = map(Path, arguments)
    show = bar() if sys.stdout.isatty() else lines()
    try:
        return install([*PIP, "--require-hashes", "-r", str(lock)], pins(lock), installed, show)
    except Interrupted as error:
        say(f"Interrupted by {error}.\n")
        return interrupts.exit_code or 1


def pins(lock: Path) -> int:
    """Return how many packages a lock file lists."""
    return sum(bool(PIN.match(line)) for line in lock.read_text().splitlines())


def install(command: Sequence[str], total: int, count: Callable[[], int], show: Show) -> int:
    """Run pip, show how far it is, and return its exit code; `count` returns how many packages there are.

    Without pip's end there is an exception, and then pip was ended too.
    """
    pip: subprocess.Popen[str] | None = None
    try:
        with held():
            pip = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        for done, _ in enumerate(fetched(pip), 1):
            show("fetching", min(done, total), total)
        before = count()
        while pip.poll() is None:
            show("installing", min(max(0, count() - before), total), total)
            time.sleep(LOOK_SECONDS)
        if pip.returncode == 0:
            show("installing", total, total)
        return pip.returncode
    except BaseException:
        if pip is not None:
            pip.terminate()
            pip.wait()
        raise


def fetched(pip: "subprocess.Popen[str]") -> Iterator[str]:
    """Yield a line for each package that pip has looked up, until it installs them."""
    for line in pip.stdout or ():
        if line.startswith(FETCHED):
            yield line
        elif line.startswith("Installing collected packages"):
            return


def installed() -> int:
    """Return how many packages the environment has."""
    return len(list(Path(sysconfig.get_path("purelib")).glob("*.dist-info")))


def bar() -> Show:
    """Return what draws a bar in place."""

    def show(what: str, done: int, total: int) -> None:
        filled = "#" * (BAR_WIDTH * done // max(1, total))
        end = "\n" if (what, done) == ("installing", total) else ""
        say(f"\r{what:10} packages [{filled:{BAR_WIDTH}}] {done} of {total} {end}")

    return show


def lines() -> Show:
    """Return what prints a line now and then."""
    said: set[tuple[str, int]] = set()

    def show(what: str, done: int, total: int) -> None:
        part = (what, done * PARTS // max(1, total))
        if part not in said:
            said.add(part)
            say(f"{what} packages: {done} of {total}\n")

    return show


def say(text: str) -> None:
    """Write at once."""
    sys.stdout.write(text)
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
