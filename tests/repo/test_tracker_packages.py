"""The trackers' npm packages: those that are installed, and nothing of them in the repository."""

import json
import subprocess
from pathlib import Path
from typing import Any

from tests.browsers.trackers.vendors import VENDORS

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "tests" / "browsers" / "trackers"
PACKAGES: dict[str, Any] = json.loads((FOLDER / "package.json").read_text())


def test_the_trackers_are_the_packages_that_are_installed() -> None:
    assert {vendor.package: vendor.version for vendor in VENDORS} == PACKAGES["dependencies"]


def test_each_tracker_has_an_adapter_that_imports_its_package() -> None:
    assert {path.stem for path in (FOLDER / "adapters").glob("*.js")} == {vendor.name for vendor in VENDORS}
    for vendor in VENDORS:
        assert f'from "{vendor.package}' in (FOLDER / "adapters" / f"{vendor.name}.js").read_text()


def test_nothing_of_the_trackers_is_in_the_repository() -> None:
    listed = subprocess.run(["git", "ls-files", str(FOLDER)], cwd=ROOT, capture_output=True, text=True, check=True)
    names = listed.stdout.split()
    assert names
    assert not [name for name in names if "node_modules" in name or "bundle" in name]
    # Each adapter is a page or two of ours; a copied tracker would be tens of kilobytes.
    assert all((ROOT / name).stat().st_size < 8_000 for name in names if name.endswith((".js", ".mjs")))
