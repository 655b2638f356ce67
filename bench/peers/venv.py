"""A peer's own Python environment, made on first use from its pinned requirements."""

import hashlib
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from streams.errors import UserError
from streams.settings import Settings

FOLDER = Path(__file__).parent
# Pathway brings a hundred packages; any working network has sent them by then.
INSTALL_SECONDS = 1_200


def python(name: str, settings: Settings, out: Callable[[str], None]) -> str:
    """Return the interpreter with a peer's packages, in `<data_dir>/bench-peers/<name>`.

    Rebuild the environment if the requirements have changed. Raises UserError if pip can't install them; its output
    is then beside the environment.
    """
    requirements = FOLDER / name / "requirements.txt"
    home = settings.data_dir.resolve() / "bench-peers" / name
    interpreter, mark = home / "bin" / "python", home / "requirements.sha256"
    wanted = hashlib.sha256(requirements.read_bytes() + sys.version.encode()).hexdigest()
    if mark.exists() and mark.read_text() == wanted:
        return str(interpreter)
    out(f"{name}: setting up its environment, once")
    shutil.rmtree(home, ignore_errors=True)
    home.parent.mkdir(parents=True, exist_ok=True)
    log = home.with_suffix(".log")
    with log.open("wb") as output:
        for argv in (
            [sys.executable, "-m", "venv", str(home)],
            [str(interpreter), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes",
             "-r", str(requirements)],
        ):  # fmt: skip
            _run(name, argv, output.fileno(), log)
    mark.parent.mkdir(exist_ok=True)
    mark.write_text(wanted)
    return str(interpreter)


def version(name: str, package: str) -> str:
    """Return the version of a package that a peer's requirements pin. Raises StopIteration if they don't pin it."""
    lines = (FOLDER / name / "requirements.txt").read_text().splitlines()
    return next(line.split("==")[1].split()[0] for line in lines if line.startswith(f"{package}=="))


def _run(name: str, argv: list[str], output: int, log: Path) -> None:
    try:
        done = subprocess.run(argv, check=False, stdout=output, stderr=output, timeout=INSTALL_SECONDS)
    except subprocess.TimeoutExpired:
        raise UserError(f"{name}: its packages were not installed in {INSTALL_SECONDS} s; see {log}.") from None
    if done.returncode:
        raise UserError(f"{name}: its packages can't be installed (is the network reachable?); see {log}.")
