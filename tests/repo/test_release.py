"""The version is the same everywhere, and each release says what is new and how to get there."""

import re
import tomllib
from pathlib import Path

from impression_streams.options import CLIENT
from streams import __version__
from tests.support.compose_file import BASE, load

ROOT = Path(__file__).resolve().parents[2]
CHANGELOG = (ROOT / "CHANGELOG.md").read_text()
RELEASES = re.findall(r"^## \[(\d+\.\d+\.\d+)\] - \d{4}-\d\d-\d\d$", CHANGELOG, re.MULTILINE)


def test_the_version_is_one_everywhere() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    images = {
        service["image"]
        for service in load(BASE)["services"].values()
        if service["image"].startswith("impression-streams:")
    }
    assert __version__ == project == RELEASES[0]
    assert images == {f"impression-streams:{project}"}
    assert f"python-{'.'.join(project.split('.')[:2])}" == CLIENT


def test_releases_are_in_order_and_the_unreleased_comes_first() -> None:
    assert sorted(RELEASES, key=lambda each: tuple(map(int, each.split("."))), reverse=True) == RELEASES
    headings = re.findall(r"^## (.+)$", CHANGELOG, re.MULTILINE)
    assert headings[0] == "[Unreleased]"
    assert len(headings) == len(RELEASES) + 1


def test_the_way_from_each_release_to_the_next_is_described() -> None:
    page = (ROOT / "docs" / "operate" / "upgrade.md").read_text()
    steps = list(zip(RELEASES[1:], RELEASES, strict=False))
    assert steps
    for before, after in steps:
        assert f"## From {before} to {after}\n" in page


def test_every_migration_of_this_release_is_in_the_upgrade_notes() -> None:
    """0.1.0 had six."""
    page = (ROOT / "docs" / "operate" / "upgrade.md").read_text()
    new = sorted(path.name[:4] for path in (ROOT / "clickhouse" / "migrations").glob("*.sql"))[6:]
    assert new
    assert [number for number in new if number not in page] == []
