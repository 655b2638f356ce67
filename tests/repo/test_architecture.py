"""ARCHITECTURE.md is true: its paths exist, and its code map has every folder in the order of the layers."""

import re
import subprocess
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "ARCHITECTURE.md").read_text()
CODE_MAP = TEXT.split("## The code map")[1].split("## The worker")[0]
STEPS = TEXT.split("## An impression's life in seven steps")[1].split("## The code map")[0]
# A path has a slash or a file ending used here; topics have neither.
PATH = re.compile(r"`((?:[\w.-]+/)+[\w.-]*|[\w-]+\.(?:yml|yaml|toml|md|py))`")


def test_every_path_exists() -> None:
    paths = [*PATH.findall(TEXT), *re.findall(r"\]\(([^)#]+)\)", TEXT)]
    assert len(paths) > 40
    assert not [path for path in paths if not (ROOT / path).exists()]


def test_each_of_the_seven_steps_names_its_file() -> None:
    steps = re.split(r"^\d\. ", STEPS, flags=re.MULTILINE)[1:]
    assert len(steps) == 7
    assert all(any(path.endswith((".py", ".sql")) for path in PATH.findall(step)) for step in steps)


def test_the_code_map_has_every_folder() -> None:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout.decode()
    files = [Path(name).parts for name in listed.split("\0") if name]
    top = {parts[0] for parts in files if len(parts) > 1 and not parts[0].startswith(".")}
    packages = {"/".join(parts[:2]) for parts in files if parts[0] == "streams" and len(parts) > 2}
    assert {f"{folder}/" for folder in (top - {"streams"}) | packages} <= set(PATH.findall(CODE_MAP))


def test_the_code_map_follows_the_order_of_the_layers() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    (layers,) = [each["layers"] for each in contracts if each["type"] == "layers"]
    above = [set(re.findall(r"\w+", layer)) for layer in layers]
    rows = re.findall(r"^\| `streams/(\w+)(?:/|\.py)`", CODE_MAP, flags=re.MULTILINE)
    height = [next(number for number, names in enumerate(above) if row in names) for row in rows]
    assert len(rows) > 10
    assert height == sorted(height)
