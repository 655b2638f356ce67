"""The image: everything that it is built from exists and is let in, and it runs as an unprivileged user."""

import re
from pathlib import Path

import pytest

from tests.support.compose_file import BASE, load
from tests.support.dockerfile import copied, environment, instructions, one

ROOT = Path(__file__).resolve().parents[2]
LET_IN = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]


@pytest.mark.parametrize("source", copied())
def test_everything_that_is_copied_exists_and_is_let_in(source: str) -> None:
    assert (ROOT / source).exists()
    assert any(source == each or source.startswith(f"{each}/") for each in LET_IN)


def test_nothing_else_is_let_in() -> None:
    assert (ROOT / ".dockerignore").read_text().splitlines()[1] == "*"
    assert set(LET_IN) == set(copied())


def test_the_packages_files_are_copied() -> None:
    named = re.search(r"^FILES = \((.+)\)$", (ROOT / "setup.py").read_text(), re.MULTILINE)
    assert named
    assert set(re.findall(r'"([^"]+)"', named[1])) <= set(copied())


def test_both_stages_use_one_pinned_python() -> None:
    images = {each.text.split()[0] for each in instructions() if each.name == "FROM"}
    (image,) = images
    assert re.fullmatch(r"python:3\.\d+\.\d+-slim-\w+(@sha256:[0-9a-f]{64})?", image)


def test_it_runs_as_a_numeric_user_with_one_data_folder() -> None:
    assert one("USER", 1) == load(BASE)["services"]["worker"]["user"] == "10001:10001"
    assert one("VOLUME", 1) == environment()["IMPRESSIONS_DATA_DIR"] == "/data"
    last = [each.name for each in instructions()]
    assert last.index("USER") > max(index for index, name in enumerate(last) if name in ("RUN", "COPY"))


def test_no_build_tool_is_in_the_image() -> None:
    kept = [each.text for each in instructions() if each.stage == 1 and each.name == "COPY"]
    assert kept == ["--from=build /opt/impressions /opt/impressions"]
    assert not any("java" in each.text.lower() or "apt" in each.text for each in instructions())
