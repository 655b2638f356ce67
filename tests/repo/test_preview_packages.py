"""The preview's npm packages: pinned, locked, from one Grafana release, under licences that we may use."""

import json
import re
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parents[2] / "dashboards" / "preview"
PACKAGES: dict[str, Any] = json.loads((FOLDER / "package.json").read_text())
LOCK: dict[str, Any] = json.loads((FOLDER / "package-lock.json").read_text())
LICENCES = re.compile(
    r"^\(?(MIT|ISC|0BSD|BSD-\d-Clause|Apache-2\.0|OFL-1\.1|CC0-1\.0|Unlicense|Python-2\.0|MPL-2\.0|BlueOak-1\.0\.0)\b"
)
# The package.json of these names no licence: two have the Unlicense's text beside it, the third says nothing anywhere.
# All three come with @grafana/ui, and we don't distribute them: the bundle stays on the machine that built it.
SILENT = {"fast-shallow-equal", "react-universal-interface", "get-document"}


def test_every_package_is_pinned_and_in_the_lock_file() -> None:
    wanted = {**PACKAGES["dependencies"], **PACKAGES["devDependencies"]}
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in wanted.values())
    locked = {name: LOCK["packages"][f"node_modules/{name}"]["version"] for name in wanted}
    assert locked == wanted


def test_grafanas_packages_are_from_one_release() -> None:
    versions = {version for name, version in PACKAGES["dependencies"].items() if name.startswith("@grafana/")}
    assert len(versions) == 1


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
    assert others == SILENT
