"""docs/glossary.md has one entry per term, and every file or folder that an entry names exists."""

import re

import pytest

from tests.repo.test_files import ROOT

GLOSSARY = (ROOT / "docs" / "glossary.md").read_text()
ENTRIES = re.findall(r"^- ((?:.+\n)(?:  .+\n)*)", GLOSSARY, flags=re.MULTILINE)


def terms(entry: str) -> list[str]:
    return re.findall(r"\*\*([^*]+)\*\*", entry.partition(":")[0])


def test_each_term_has_one_entry() -> None:
    found = [term for entry in ENTRIES for term in terms(entry)]
    assert len(found) > 50
    assert all(map(terms, ENTRIES))
    assert len(found) == len(set(found))


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: terms(entry)[0])
def test_every_path_in_an_entry_exists(entry: str) -> None:
    """tests/repo/test_contract_cited.py checks citations of the contract's sections, as in every file."""
    named = [path for path in re.findall(r"`([\w./]+)`", entry) if "/" in path]
    assert [path for path in named if not (ROOT / path).exists()] == []
