"""Which modules may import which: import-linter's contracts hold and cover all they should."""

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LINT = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(no_cache=True))"
# A module in each of some layers, and an import that it may not make.
FORBIDDEN = {
    "streams/core/lines.py": "streams.kafka.names",
    "streams/kafka/names.py": "streams.state.store",
    "streams/sink/placing.py": "streams.worker.outbox",
    "streams/worker/outbox.py": "faust",
    "streams/collector/rules/reading.py": "starlette",
    "streams/state/store.py": "aiokafka",
    "oracle/murmur.py": "streams.core.partitioner",
    "streams/cli.py": "demo.run",
    "load/users/user.py": "streams.core.judge",
    "streams/paths.py": "load.check",
    "impression_streams/ids.py": "streams.errors",
    "impression_streams/log.py": "structlog",
    "streams/runtime/backoff.py": "impression_streams.producer",
}


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    """Check the contracts of a checkout."""
    return subprocess.run([sys.executable, "-c", LINT], cwd=folder, capture_output=True, text=True, check=False)


def test_the_layers_hold() -> None:
    done = lint(ROOT)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(("module", "imported"), FORBIDDEN.items())
def test_a_forbidden_import_is_found(tmp_path: Path, module: str, imported: str) -> None:
    for name in ("impression_streams", "streams", "oracle", "demo", "load"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    path = tmp_path / module
    path.write_text(path.read_text() + f"\nimport {imported}  # noqa\n")
    done = lint(tmp_path)
    assert done.returncode == 1, done.stdout
    assert imported.split(".", maxsplit=1)[0] in done.stdout


def test_every_package_has_a_layer() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    (layers,) = [each for each in contracts if each["type"] == "layers"]
    assert layers["exhaustive"]
