"""`make help` lists every target, and every target of the contract exists."""

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MAKEFILE = (ROOT / "Makefile").read_text()
TARGETS = re.findall(r"^([a-z][a-z-]*):", MAKEFILE, re.MULTILINE)


def test_every_target_has_help_and_is_phony() -> None:
    assert re.findall(r"^([a-z][a-z-]*):.*## \S", MAKEFILE, re.MULTILINE) == TARGETS
    (phony,) = re.findall(r"^\.PHONY: (.*)$", MAKEFILE, re.MULTILINE)
    assert sorted(phony.split()) == sorted(TARGETS)


def test_help_lists_all_targets_and_is_the_default() -> None:
    shown = subprocess.run(["make", "--no-print-directory"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert re.findall(r"^make ([a-z-]+) +\S", shown.stdout, re.MULTILINE) == TARGETS


def test_the_contracts_targets_exist() -> None:
    assert {"demo", "test", "up", "down", "check", "bench", "faults", "help"} <= set(TARGETS)


def test_every_module_that_a_target_runs_exists() -> None:
    for module in re.findall(r"python -m ([a-z_.]+)", MAKEFILE):
        if "." in module or (ROOT / module).is_dir():
            path = ROOT / module.replace(".", "/")
            assert path.with_suffix(".py").exists() or (path / "__main__.py").exists(), module
