"""docs/evidence and docs/guarantee show what was measured and what the cases say, and each page names its readers."""

from pathlib import Path

import pytest

from tests.faults.case import CASES
from tools import matrix_page
from tools.evidence import pages

ROOT = Path(__file__).resolve().parents[2]
ENTERED = ["README.md", "ARCHITECTURE.md", "CHANGELOG.md"]
EVIDENCE, GUARANTEE = (sorted((ROOT / "docs" / folder).glob("*.md")) for folder in ("evidence", "guarantee"))
WIDTH = 120
SCREEN = 80


@pytest.mark.parametrize("page", EVIDENCE, ids=lambda page: page.stem)
def test_the_tables_match_the_results(page: Path) -> None:
    assert pages.filled(page.read_text()) == page.read_text(), "run `make schemas`"


def test_every_table_is_on_one_page() -> None:
    assert sorted(name for page in EVIDENCE for name in pages.named(page.read_text())) == sorted(pages.TABLES)


def test_a_figure_that_differs_from_the_results_is_found() -> None:
    text = (ROOT / "docs" / "evidence" / "performance.md").read_text()
    assert pages.filled(text.replace("60,877/s", "66,877/s")) == text


def test_the_matrix_matches_the_cases() -> None:
    assert matrix_page.PAGE.read_text() == matrix_page.page(), "run `make schemas`"
    assert all(f"- **{name}**" in matrix_page.page() for name in CASES)


@pytest.mark.parametrize(
    "page", [*(ROOT / name for name in ENTERED), *EVIDENCE, *GUARANTEE], ids=lambda page: page.stem
)
def test_no_line_is_too_long(page: Path) -> None:
    assert not [line for line in page.read_text().splitlines() if len(line) > WIDTH]


@pytest.mark.parametrize("page", [*EVIDENCE, *GUARANTEE], ids=lambda page: page.stem)
def test_each_page_begins_by_naming_its_readers(page: Path) -> None:
    title, empty, first, *_ = page.read_text().splitlines()
    assert title.startswith("# ")
    assert not empty
    assert first.startswith("For "), first


@pytest.mark.parametrize("name", ["evidence/performance.md", "guarantee/delivery.md"])
def test_each_first_page_fits_on_a_screen(name: str) -> None:
    assert len((ROOT / "docs" / name).read_text().splitlines()) <= SCREEN
