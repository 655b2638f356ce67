"""Every section and rule of docs/contract.md cited by a file exists, and readers of a citation can find the page."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from typer.testing import CliRunner

from streams.cli import app
from tests.repo.test_files import ROOT, tracked_files

CONTRACT = ROOT / "docs" / "contract.md"
RULES_SECTION = 4
# These files cite sections and rules of other documents.
NOT_OURS = re.compile(r"LICENSE|.*\.(lock|sum|svg|css|gz|png)|.*package-lock\.json")
# This file's own examples cite what does not exist.
EXAMPLES = Path(__file__).name

GAP = r"(?:\s+(?:(?:#|//|--|\*)\s+)?)"  # a citation may continue in the next line of a comment
NUMBER = r"\d+(?:\.\d+)?"
NUMBERS = rf"{NUMBER}(?:(?:,{GAP}|{GAP}(?:and|or|to){GAP}|-){NUMBER})*"
CITATION = re.compile(
    rf"(?:§§{GAP}?|(?<!RFC \d{{4}}, )\bsections{GAP})(?P<sections>{NUMBERS})"
    rf"|(?:§{GAP}?|(?<!RFC \d{{4}}, )\bsection{GAP})(?P<section>{NUMBER})"
    rf"|\brules{GAP}(?P<rules>{NUMBERS})|\brule{GAP}(?P<rule>{NUMBER})",
    re.IGNORECASE,
)
RANGE = re.compile(rf"({NUMBER})(?:(?:{GAP}to{GAP}|-)(\d+))?")


class Cited(NamedTuple):
    """A citation of a section, of a rule, or of a rule within a section."""

    line: int
    section: int
    rule: int | None


def cited(text: str) -> Iterator[Cited]:
    """What a text cites, with ranges expanded."""
    for found in CITATION.finditer(text):
        line = text.count("\n", 0, found.start()) + 1
        for first, last in RANGE.findall(found[str(found.lastgroup)]):
            for number in [first, *map(str, range(int(float(first)) + 1, int(last or 0) + 1))]:
                section, _, rule = number.partition(".")
                if "rule" in str(found.lastgroup):
                    yield Cited(line, RULES_SECTION, int(section))
                else:
                    yield Cited(line, int(section), int(rule) if rule else None)


def contents(text: str) -> set[tuple[int, int | None]]:
    """What the contract contains: its sections, and its rules within their sections."""
    sections = re.split(r"^## (\d+)\. ", text, flags=re.MULTILINE)[1:]
    found: set[tuple[int, int | None]] = set()
    for number, body in zip(map(int, sections[::2]), sections[1::2], strict=True):
        found.add((number, None))
        if number == RULES_SECTION:
            found |= {(number, int(rule)) for rule in re.findall(r"^(\d+)\. ", body, flags=re.MULTILINE)}
    return found


THERE = contents(CONTRACT.read_text())


def missing(text: str) -> list[Cited]:
    """The citations of sections and rules that the contract doesn't have."""
    return [each for each in cited(text) if (each.section, each.rule) not in THERE]


def files() -> Iterator[tuple[str, str]]:
    """Every text file that may cite the contract."""
    for path in tracked_files():
        name = str(path.relative_to(ROOT))
        if path.name != EXAMPLES and not NOT_OURS.fullmatch(name) and b"\0" not in (data := path.read_bytes()):
            yield name, data.decode("utf-8", "replace")


def test_every_cited_section_and_rule_exists() -> None:
    found = {name: list(cited(text)) for name, text in files()}
    assert sum(map(len, found.values())) > 60, "the finder finds too little to be believed"
    wrong = [f"{name}:{each.line}" for name, all_ in found.items() for each in all_ if each[1:] not in THERE]
    assert not wrong, "they cite what docs/contract.md doesn't have: " + ", ".join(wrong)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("(contract §3)", {(3, None)}),
        ("docs/contract.md §4.4", {(4, 4)}),
        ("the contract's column names (section 5)", {(5, None)}),
        ("Sections 3 and 4 say", {(3, None), (4, None)}),
        ("§§2 to 5", {(2, None), (3, None), (4, None), (5, None)}),
        ("rules 1, 2 and 3", {(4, 1), (4, 2), (4, 3)}),
        ("Rules 1 to 3, each at -1, 0 and +1 ms", {(4, 1), (4, 2), (4, 3)}),
        ("rules 1-3 decide", {(4, 1), (4, 2), (4, 3)}),
        ("# A, that rules 1\n    # and 6 measure by", {(4, 1), (4, 6)}),
        ("rule 2's window of 600 s", {(4, 2)}),
        ("rule 2 600 s", {(4, 2)}),
        ("section 9.2 of it, and rule 12", {(9, 2), (4, 12)}),
        ("RFC 9457, section 3; a rule of 2 seconds; subsections 4", set()),
    ],
)
def test_every_form_of_citation_is_found(text: str, expected: set[tuple[int, int | None]]) -> None:
    assert {each[1:] for each in cited(text)} == expected


@pytest.mark.parametrize("text", ["contract §9", "§4.9", "section 12", "\nrules 7 and 8", "sections 5 and 9"])
def test_a_citation_of_a_missing_section_or_rule_is_found(text: str) -> None:
    (found,) = missing(text)
    assert found.line == text.count("\n") + 1


def test_the_contracts_section_numbers_are_unique_and_in_order() -> None:
    numbers = re.findall(r"^## (\d+)\. ", CONTRACT.read_text(), flags=re.MULTILINE)
    assert numbers == sorted(set(numbers), key=int)
    assert {(RULES_SECTION, rule) for rule in range(1, 8)} <= THERE


def test_settings_topics_and_schemas_say_where_the_contract_is() -> None:
    assert "docs/contract.md" in CliRunner().invoke(app, ["settings"]).stdout.splitlines()[0]
    assert "docs/contract.md" in (ROOT / "topics.yaml").read_text().split("\n\n")[0]
    for path in (ROOT / "schemas").iterdir():
        assert "docs/contract.md" in json.loads(path.read_bytes())["$comment"], path.name
