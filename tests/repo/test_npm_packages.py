"""The npm packages that the project builds with: pinned, locked, without scripts, under licences that we may use."""

import json
import re
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.repo.test_files import tracked_files

ROOT = Path(__file__).resolve().parents[2]
LICENCES = re.compile(r"^\(?(MIT|ISC|0BSD|BSD-\d-Clause|Apache-2\.0|MPL-2\.0|BlueOak-1\.0\.0)\b")


class Packages(NamedTuple):
    """A folder with a package.json and its lock file."""

    folder: str
    others: re.Pattern[str] = re.compile(r"(?!)")
    """Further licences, of what we use to build and don't distribute."""
    silent: frozenset[str] = frozenset()
    """Packages whose package.json names no licence: why is said beside them."""

    def read(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((ROOT / self.folder / name).read_text())
        return found

    @property
    def locked(self) -> dict[str, dict[str, Any]]:
        """Return what the lock file says of each package, by its path."""
        return {name: entry for name, entry in self.read("package-lock.json")["packages"].items() if name}


ALL = [
    Packages("recorder"),
    Packages(
        "dashboards/preview",
        re.compile(r"^\(?(OFL-1\.1|CC0-1\.0|Unlicense|Python-2\.0)\b"),
        # Two have the Unlicense's text beside it, the third says nothing anywhere. All come with @grafana/ui, and we
        # don't distribute them: the bundle stays on the machine that built it.
        frozenset({"fast-shallow-equal", "react-universal-interface", "get-document"}),
    ),
    Packages(
        "tests/browsers/trackers",
        # They point at the file LICENSE beside it, which is MIT's text in each.
        silent=frozenset({"@segment/facade", "@segment/isodate", "@segment/isodate-traverse", "new-date"}),
    ),
]


@pytest.fixture(params=ALL, ids=lambda each: each.folder)
def packages(request: pytest.FixtureRequest) -> Packages:
    found: Packages = request.param
    return found


def test_every_folder_of_packages_is_among_them() -> None:
    found = {path.parent.relative_to(ROOT).as_posix() for path in tracked_files() if path.name == "package-lock.json"}
    assert found == {each.folder for each in ALL}


def test_every_package_is_pinned_and_in_the_lock_file(packages: Packages) -> None:
    said = packages.read("package.json")
    wanted = {**said.get("dependencies", {}), **said.get("devDependencies", {})}
    assert wanted
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in wanted.values())
    assert {name: packages.locked[f"node_modules/{name}"]["version"] for name in wanted} == wanted


def test_the_lock_file_names_no_host_and_has_a_hash_for_each_package(packages: Packages) -> None:
    assert not [name for name, entry in packages.locked.items() if "resolved" in entry]
    assert all(entry.get("integrity", "").startswith("sha512-") for entry in packages.locked.values())


def test_no_package_runs_an_install_script(packages: Packages) -> None:
    assert "ignore-scripts=true" in (ROOT / packages.folder / ".npmrc").read_text().splitlines()


def test_every_licence_is_allowed(packages: Packages) -> None:
    refused = {
        name.rpartition("node_modules/")[2]
        for name, entry in packages.locked.items()
        if not LICENCES.match(said := entry.get("license", "")) and not packages.others.match(said)
    }
    assert refused == packages.silent
