"""What users get: `python -m tools.wheel` builds the wheel, installs it twice, and reads a host's code with its types.

Prints how large an installation of the SDK alone is, and one with everything (the extra `server`), how long each took
with the packages as pip has them (`--no-cache`: as on a new machine), and what `mypy --strict` says of
examples/typed_host.py against the installed package, without this checkout.
"""

import argparse
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
HOST_CODE = ROOT / "examples" / "typed_host.py"
EXTRAS = {"base": "", "server": "[server]"}
MIB = 2**20
# Above any installation; a registry that gives no answer should still end it.
SECONDS = 1_800.0


class Installed(NamedTuple):
    """A finished installation."""

    python: Path
    seconds: float
    bytes: int
    packages: int


def build(folder: Path) -> Path:
    """Return a wheel, built from a copy of what git tracks, so that the checkout stays as it is."""
    source = folder / "source"
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
    for name in (Path(each.decode()) for each in listed.split(b"\0") if each):
        if (ROOT / name).is_file():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            (source / name).write_bytes((ROOT / name).read_bytes())
    _run([sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(folder), str(source)])
    (wheel,) = folder.glob("*.whl")
    return wheel


def install(wheel: Path, extra: str, folder: Path, *, cached: bool = True) -> Installed:
    """Install the wheel into a fresh environment."""
    _run([sys.executable, "-m", "venv", str(folder)])
    python = folder / "bin" / "python"
    before = _packages(python)
    empty = folder_bytes(folder)
    begun = time.monotonic()
    options = [] if cached else ["--no-cache-dir"]
    _run([str(python), "-m", "pip", "install", "--quiet", *options, f"{wheel}{extra}"])
    seconds = time.monotonic() - begun
    return Installed(python, seconds, folder_bytes(folder) - empty, len(_packages(python)) - len(before))


def typed(installed: Installed, checker: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    """Check the host's code against the installation, in a folder where the checkout can't be seen."""
    code = folder / HOST_CODE.name
    code.write_text(HOST_CODE.read_text())
    command = [str(checker), "-m", "mypy", "--strict", "--python-executable", str(installed.python), str(code)]
    return subprocess.run(
        command, cwd=folder, env={"PATH": "/usr/bin:/bin"}, capture_output=True, text=True, check=False, timeout=SECONDS
    )


def folder_bytes(folder: Path) -> int:
    """Return the size of all files below a folder; links count as themselves."""
    return sum(path.lstat().st_size for path in folder.rglob("*") if path.is_symlink() or path.is_file())


def _packages(python: Path) -> list[str]:
    command = [str(python), "-m", "pip", "list", "--format", "freeze"]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=SECONDS).stdout.splitlines()


def _run(command: Sequence[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=SECONDS)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")


def main() -> int:
    """Build, install, check and print; return mypy's exit code."""
    parser = argparse.ArgumentParser(prog="python -m tools.wheel", description="What an installation takes.")
    parser.add_argument("--no-cache", action="store_true", help="fetch every package, as on a new machine")
    given = parser.parse_args()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    with tempfile.TemporaryDirectory(prefix="wheel-") as name:
        folder = Path(name)
        wheel = build(folder)
        sys.stdout.write(f"{wheel.name}: {wheel.stat().st_size / MIB:.2f} MiB\n")
        found = {
            kind: install(wheel, extra, folder / kind, cached=not given.no_cache) for kind, extra in EXTRAS.items()
        }
        for kind, each in found.items():
            what = f"pip install '{project['name']}{EXTRAS[kind]}'"
            sys.stdout.write(f"{what}: {each.bytes / MIB:,.0f} MiB, {each.packages} packages, {each.seconds:.0f} s\n")
        checked = typed(found["base"], Path(sys.executable), folder)
        sys.stdout.write(f"mypy --strict {HOST_CODE.name}, against the base: {checked.stdout}{checked.stderr}")
    return checked.returncode


if __name__ == "__main__":
    sys.exit(main())
