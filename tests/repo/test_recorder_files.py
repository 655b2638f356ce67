"""The recorder's built files: small enough, and as their manifest says."""

import base64
import gzip
import hashlib
import json
import re

import pytest

from tests.repo.test_files import ROOT

SERVED = ROOT / "streams" / "collector" / "recorder"
PACKAGE = ROOT / "recorder"
FILES: dict[str, dict[str, str | int]] = json.loads((SERVED / "manifest.json").read_text())["files"]
MOST_GZIP_BYTES = 6 * 1024
# Versions of zlib differ by some bytes.
NEAR_BYTES = 50


def test_the_manifest_names_every_file_with_its_size_and_integrity() -> None:
    assert set(FILES) == {each.name for each in SERVED.iterdir()} - {"manifest.json"}
    for name, said in FILES.items():
        content = (SERVED / name).read_bytes()
        assert said["bytes"] == len(content)
        assert abs(int(said["gzip_bytes"]) - len(gzip.compress(content, 9))) <= max(NEAR_BYTES, len(content) // 100)
        assert said["integrity"] == "sha384-" + base64.b64encode(hashlib.sha384(content).digest()).decode()


@pytest.mark.parametrize("name", ["recorder.js", "recorder.mjs"])
def test_the_recorder_is_within_its_cap(name: str) -> None:
    assert int(FILES[name]["gzip_bytes"]) <= MOST_GZIP_BYTES


def test_the_page_says_what_it_weighs() -> None:
    page = (ROOT / "docs" / "reference" / "recorder.md").read_text().split("\n## What it weighs\n")[1].split("\n## ")[0]
    said = dict(re.findall(r"^\| `([\w.]+)` \| ([\d,]+) \|", page, re.MULTILINE))
    expected = {name: f"{FILES[name]['gzip_bytes']:,}" for name in ("recorder.js", "recorder.mjs", "stub.js")}
    assert said == expected


def test_each_private_name_of_the_source_has_a_short_one() -> None:
    names = json.loads((PACKAGE / "names.json").read_text())
    for short in (list(names["privates"].values()), names["locals"]):
        assert len(set(short)) == len(short)
