"""The trackers' npm packages: pinned, locked, under licences that we may use, and nothing of them in the repository."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

from tests.browsers.trackers.vendors import VENDORS

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "tests" / "browsers" / "trackers"
PACKAGES: dict[str, Any] = json.loads((FOLDER / "package.json").read_text())
LOCK: dict[str, Any] = json.loads((FOLDER / "package-lock.json").read_text())
LICENCES = re.compile(r"^\(?(MIT|ISC|0BSD|BSD-\d-Clause|Apache-2\.0|MPL-2\.0)\b")
# Their package.json points at the file LICENSE beside it, which is MIT's text in each.
IN_A_FILE = {"@segment/facade", "@segment/isodate", "@segment/isodate-traverse", "new-date"}


def test_every_package_is_pinned_and_in_the_lock_file() -> None:
    wanted = {**PACKAGES["dependencies"], **PACKAGES["devDependencies"]}
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in wanted.values())
    assert {name: LOCK["packages"][f"node_modules/{name}"]["version"] for name in wanted} == wanted


def test_the_trackers_are_the_packages_that_are_installed() -> None:
    assert {vendor.package: vendor.version for vendor in VENDORS} == PACKAGES["dependencies"]


def test_each_tracker_has_an_adapter_that_imports_its_package() -> None:
    assert {path.stem for path in (FOLDER / "adapters").glob("*.js")} == {vendor.name for vendor in VENDORS}
    for vendor in VENDORS:
        assert f'from "{vendor.package}' in (FOLDER / "adapters" / f"{vendor.name}.js").read_text()


def test_the_lock_file_names_no_host_and_has_a_hash_for_each_package() -> None:
    packages = {name: entry for name, entry in LOCK["packages"].items() if name}
    assert not [name for name, entry in packages.items() if "resolved" in entry]
    assert all(entry.get("integrity", "").startswith("sha512-") for entry in packages.values())


def test_no_package_runs_an_install_script() -> None:
    assert "ignore-scripts=true" in (FOLDER / ".npmrc").read_text().splitlines()


def test_every_licence_is_allowed() -> None:
    others = {
        name.rpartition("node_modules/")[2]
        for name, entry in LOCK["packages"].items()
        if name and not LICENCES.match(entry.get("license", ""))
    }
    assert others == IN_A_FILE


def test_nothing_of_the_trackers_is_in_the_repository() -> None:
    listed = subprocess.run(["git", "ls-files", str(FOLDER)], cwd=ROOT, capture_output=True, text=True, check=True)
    names = listed.stdout.split()
    assert names
    assert not [name for name in names if "node_modules" in name or "bundle" in name]
    # Each adapter is a page or two of ours; a copied tracker would be tens of kilobytes.
    assert all((ROOT / name).stat().st_size < 8_000 for name in names if name.endswith((".js", ".mjs")))
