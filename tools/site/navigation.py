"""What stands in the site's sidebar: the sections of docs/README.md, which is the index on a code host too.

A section is a heading of the second level; its entries are the pages that its list items begin with. A page that the
index doesn't name stands in the section of its folder, so that every page is reachable.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from posixpath import normpath, relpath

INDEX = PurePosixPath("docs/README.md")
ITEM = re.compile(r"^(?:## +(?P<section>.+)|- \[(?P<title>[^\]]+)\]\((?P<link>[^)#]+)\).*)$", re.MULTILINE)
# Sections for pages that the index doesn't name, by folder; the section of any other page is the first.
OF_FOLDER = {
    "docs/operate": "Operate",
    "docs/analyse": "Analyse",
    "docs/guarantee": "Guarantee",
    "docs/reference": "Reference",
    "docs/decisions": "Decisions",
    "docs/evidence": "Evidence",
}


@dataclass
class Section:
    """A caption of the sidebar, and below it pages with their titles; `others` are files and folders."""

    caption: str
    pages: list[tuple[str, PurePosixPath]] = field(default_factory=list)
    others: list[tuple[str, PurePosixPath]] = field(default_factory=list)

    @property
    def toctree(self) -> str:
        """Return the section as a hidden toctree, from the site's root."""
        return toctree(self.pages, PurePosixPath(), self.caption)


def sections(index: str, titles: Mapping[PurePosixPath, str]) -> list[Section]:
    """Return the sections of the index, given the titles of all pages by their paths from the repository's root.

    Pages beside a README.md below docs/ are not in them: that page has them (`children`).
    """
    left = sorted(titles)
    within = {child for page in left for child in children(page, left)}
    found: list[Section] = []
    for item in ITEM.finditer(index):
        if item["section"]:
            found.append(Section(item["section"]))
            continue
        page = PurePosixPath(normpath(INDEX.parent / item["link"]))
        if found and page not in titles:
            found[-1].others.append((item["title"], page))
        elif found and page in left:
            left.remove(page)
            found[-1].pages.append((item["title"], page))
    for page in left:
        if page not in within:
            name = OF_FOLDER.get(str(page.parent))
            section = next((each for each in found if each.caption == name), found[0])
            section.pages.append((titles[page], page))
    return found


def children(page: PurePosixPath, pages: Iterable[PurePosixPath]) -> list[PurePosixPath]:
    """Return the pages beside a README.md below docs/: it is the index of its folder."""
    if page == INDEX or page.name != "README.md" or page.parts[0] != "docs":
        return []
    return [each for each in sorted(pages) if each.parent == page.parent and each != page]


def toctree(pages: Iterable[tuple[str, PurePosixPath]], folder: PurePosixPath, caption: str = "") -> str:
    """Return a hidden toctree, as MyST writes it, for a page in `folder`."""
    lines = ["```{toctree}", ":hidden:", ":titlesonly:", *([f":caption: {caption}"] if caption else []), ""]
    lines += [f"{title.replace('`', '')} <{relpath(page.with_suffix(''), folder)}>" for title, page in pages]
    return "\n".join([*lines, "```", ""])
