"""Pages: every link and image leads somewhere, headings included, and every line fits on a screen."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.repo.test_files import ROOT, tracked_files

MOST_CHARACTERS = 120
PAGES = sorted(path for path in tracked_files() if path.suffix == ".md")
# Decision records stay as they were written, and Keep a Changelog puts each entry on one line.
LEFT_AS_THEY_ARE = re.compile(r"docs/decisions/.*|CHANGELOG\.md")

FENCED = re.compile(r"^(```+).*?^\1$", re.MULTILINE | re.DOTALL)
LINK = re.compile(
    r"\]\(<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\)|^\[[^\]]+\]:\s+(\S+)|\b(?:href|src)=\"([^\"]+)\"", re.MULTILINE
)
HEADING = re.compile(r"^#{1,6} +(.+?) *#* *$", re.MULTILINE)


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def links(text: str) -> Iterator[str]:
    """The targets of a page's links and images, except links to other sites."""
    for found in LINK.finditer(re.sub(r"`[^`\n]*`", "", FENCED.sub("", text))):
        target = next(filter(None, found.groups()))
        if not re.match(r"[a-z][a-z+.-]*:", target):
            yield target


def anchors(text: str) -> set[str]:
    """The ids that GitHub gives a page's headings: lower case, without punctuation, with hyphens for spaces."""
    found: set[str] = set()
    for heading in HEADING.findall(FENCED.sub("", text)):
        shown = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", heading)
        slug = base = re.sub(r"[^\w\- ]", "", shown.lower()).replace(" ", "-")
        number = 0
        while slug in found:
            number += 1
            slug = f"{base}-{number}"
        found.add(slug)
    return found


def broken(page: Path, text: str) -> list[str]:
    """The broken links of a page: there is no such tracked file or folder, or no such heading in it."""
    tracked = {path.resolve() for path in tracked_files()}
    there = tracked | {folder for path in tracked for folder in path.parents}
    wrong = []
    for target in links(text):
        path, _, anchor = target.partition("#")
        found = (page.parent / path).resolve() if path else page
        if found not in there or (anchor and anchor not in anchors(text if found == page else found.read_text())):
            wrong.append(target)
    return wrong


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_link_leads_somewhere(page: Path) -> None:
    assert not broken(page, page.read_text())


def test_a_link_to_nowhere_is_found() -> None:
    page = ROOT / "docs" / "README.md"
    text = """# Ünder_score: `code` & [a link](contract.md)
[good](contract.md#4-the-rules), [folder](operate), [here](#ünder_score-code--a-link), [far](https://example.com/x)
![picture](no.png) [no heading](contract.md#4-rules) [outside](../../elsewhere.md) [again](#again-1)
# Again
# Again
`[not a link](nowhere.md)`
```
[nor this](nowhere.md)
```
<img src="no.svg">
[named]: gone.md
"""
    assert broken(page, text) == ["no.png", "contract.md#4-rules", "../../elsewhere.md", "no.svg", "gone.md"]


@pytest.mark.parametrize("page", [page for page in PAGES if not LEFT_AS_THEY_ARE.fullmatch(name(page))], ids=name)
def test_every_line_fits_on_a_screen(page: Path) -> None:
    wide = [n for n, line in enumerate(page.read_text().splitlines(), 1) if len(line) > MOST_CHARACTERS]
    assert not wide, f"lines of more than {MOST_CHARACTERS} characters: {wide}"
