"""The image: what it is built from is there and let in, and what it runs as is nobody."""

import re
from pathlib import Path

import pytest

from tests.support.compose_file import BASE, load
from tests.support.dockerfile import copied, environment, instructions, one

ROOT = Path(__file__).resolve().parents[2]
LET_IN = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]


@pytest.mark.parametrize("source", copied())
def test_what_it_is_built_from_exists_and_is_let_in(source: str) -> None:
    assert (ROOT / source).exists()
    assert any(source == each or source.startswith(f"{each}/") for each in LET_IN)


def test_nothing_else_is_let_in() -> None:
    assert (ROOT / ".dockerignore").read_text().splitlines()[1] == "*"
    assert set(LET_IN) == set(copied())


def test_the_files_of_the_package_are_among_them() -> None:
    named = re.search(r"^FILES = \((.+)\)$", (ROOT / "setup.py").read_text(), re.MULTILINE)
    assert named
    assert set(re.findall(r'"([^"]+)"', named[1])) <= set(copied())


def test_both_stages_are_of_one_pinned_python() -> None:
    images = {each.text.split()[0] for each in instructions() if each.name == "FROM"}
    (image,) = images
    assert re.fullmatch(r"python:3\.\d+\.\d+-slim-\w+", image)


def test_it_runs_as_a_number_that_is_not_root_and_keeps_its_files_in_one_folder() -> None:
    assert one("USER", 1) == load(BASE)["services"]["worker"]["user"] == "10001:10001"
    assert one("VOLUME", 1) == environment()["IMPRESSIONS_DATA_DIR"] == "/data"
    last = [each.name for each in instructions()]
    assert last.index("USER") > max(index for index, name in enumerate(last) if name in ("RUN", "COPY"))


def test_no_tool_of_the_build_is_in_it() -> None:
    kept = [each.text for each in instructions() if each.stage == 1 and each.name == "COPY"]
    assert kept == ["--from=build /opt/impressions /opt/impressions"]
    assert not any("java" in each.text.lower() or "apt" in each.text for each in instructions())
