"""Who may import whom: import-linter's contracts hold, and cover what they should."""

import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]


def test_the_layers_hold() -> None:
    lint = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(no_cache=True))"
    done = subprocess.run([sys.executable, "-c", lint], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_the_recount_shares_no_code_with_what_it_checks() -> None:
    (contract,) = [each for each in CONTRACTS if "recount" in each["name"]]
    modules = {f"streams.demo.{path.stem}" for path in (ROOT / "streams/demo").glob("recount*.py")}
    assert set(contract["source_modules"]) == modules
    assert {"streams.core", "streams.model"} <= set(contract["forbidden_modules"])
