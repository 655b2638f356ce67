"""The recorder's page names all that its interface has and nothing else; what a collector serves is this version."""

import json
import re

import pytest

from streams.collector.http.recorder import CURRENT, FOLDER, Recorder
from tests.repo.test_files import ROOT

PAGE = (ROOT / "docs" / "reference" / "recorder.md").read_text()
TYPES = (ROOT / "recorder" / "src" / "types.ts").read_text()
INTERFACES = dict(re.findall(r"^export interface (\w+) \{\n(.*?)^\}", TYPES, re.MULTILINE | re.DOTALL))


def members(interface: str) -> set[str]:
    """Return the names of an interface's fields and methods."""
    return set(re.findall(r"^  (\w+)\??[(:<]", INTERFACES[interface], re.MULTILINE))


def tabled(title: str) -> set[str]:
    """Return what the first column of a section's table names."""
    section = PAGE.split(f"\n## {title}\n")[1].split("\n## ")[0]
    cells = re.findall(r"^\| (`[^|]+) \|", section, re.MULTILINE)
    return {name for cell in cells for name in re.findall(r"`(\w+)", cell)} - {"stats"}


@pytest.mark.parametrize(
    ("title", "interface"),
    [("Options", "Options"), ("Events", "Events"), ("Numbers", "Stats"), ("Methods", "Recorder")],
)
def test_each_table_has_all_of_an_interface_and_nothing_else(title: str, interface: str) -> None:
    expected = members(interface)
    assert len(expected) > 5
    assert tabled(title) | ({"stats"} & expected) == expected


def test_what_is_required_is_said_to_be() -> None:
    required = set(re.findall(r"^  (\w+):", INTERFACES["Options"], re.MULTILINE))
    assert set(re.findall(r"^\| `(\w+)` \(required\)", PAGE, re.MULTILINE)) == required


@pytest.mark.parametrize("interface", ["RecordOptions", "ObserveOptions", "Visibility"])
def test_smaller_interfaces_are_explained(interface: str) -> None:
    assert [name for name in members(interface) if not re.search(rf"`[^`\n]*\b{name}\b[^`\n]*`", PAGE)] == []


def test_each_word_of_the_interface_is_explained() -> None:
    whys = re.search(r"dropped: \{ why: ([^}]+) \}", TYPES)
    assert whys is not None
    for word in re.findall(r'"(\w+)"', whys[1]):
        assert f"`{word}`" in PAGE
    for kind in ("Preset", "Consent"):
        union = re.search(rf"export type {kind} = ([^;]+);", TYPES)
        assert union is not None
        assert all(word in PAGE for word in re.findall(r'"([\w-]+)"', union[1]))


def test_what_is_served_is_the_packages_version_with_every_file_of_it() -> None:
    served = Recorder(FOLDER)
    assert served.version == json.loads((ROOT / "recorder" / "package.json").read_text())["version"]
    assert {*CURRENT.values(), "recorder.d.ts", "recorder.js.map", "recorder.mjs.map", "stub.js.map"} <= set(
        served.files
    )


def test_the_page_shows_the_paths_of_that_version() -> None:
    assert set(re.findall(r"/recorder/(\d[^/]*)/", PAGE)) == {Recorder(FOLDER).version}
