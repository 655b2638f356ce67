"""The pages of the site: the repository's Markdown and its pictures, in the folders that they have there.

They are copied, so that Sphinx sees nothing else of the checkout, and as they are: links need no rewriting, because
the copy has the layout of the repository. Only the sidebar's toctrees are added, at the end of two kinds of pages.
"""

import re
import shutil
from pathlib import Path, PurePosixPath

from tools.site import landing
from tools.site.navigation import INDEX, Section, children, sections, toctree

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("bench", "clickhouse/cluster", "examples", "secrets", "upstream")
PAGES = ("*.md", "docs/**/*.md", *(f"{folder}/README.md" for folder in FOLDERS))
PICTURE = re.compile(r"[\w./-]+\.(?:png|svg|jpg|gif)\b")


def pages() -> list[PurePosixPath]:
    """Return the site's pages, as paths from the repository's root."""
    found = {path for pattern in PAGES for path in ROOT.glob(pattern)}
    return sorted(PurePosixPath(path.relative_to(ROOT).as_posix()) for path in found)


def copy(target: Path) -> None:
    """Write the pages and pictures into an empty folder, with the landing page as index.md."""
    texts = {page: (ROOT / page).read_text() for page in pages()}
    titles = {page: _title(text) or page.stem for page, text in texts.items()}
    for page, text in texts.items():
        for picture in _pictures(page, text):
            _place(target, picture).write_bytes((ROOT / picture).read_bytes())
        below = children(page, texts)
        added = "\n" + toctree(((titles[each], each) for each in below), page.parent) if below else ""
        _place(target, page).write_text(text + added)
    (target / "index.md").write_text(_landing(sections(texts[INDEX], titles)))


def clear(folder: Path) -> None:
    """Remove a folder that an earlier build wrote. Raises FileExistsError if anything else is in it."""
    if folder.exists() and any(folder.iterdir()):
        if not (folder / ".buildinfo").is_file():
            raise FileExistsError(f"{folder} holds something else than a built site: name another folder.")
        shutil.rmtree(folder)


def _landing(found: list[Section]) -> str:
    lines = [
        f"- **{section.caption}**: "
        + ", ".join(f"[{title}]({path})" for title, path in [*section.pages, *section.others])
        for section in found
    ]
    return "\n".join([landing.TEXT, *lines, "", *(section.toctree for section in found)])


def _title(text: str) -> str:
    return next((line.removeprefix("# ") for line in text.splitlines() if line.startswith("# ")), "")


def _pictures(page: PurePosixPath, text: str) -> set[Path]:
    """Return the pictures that a page names and that exist, as paths from the repository's root."""
    named = {(ROOT / page.parent / each).resolve() for each in PICTURE.findall(text)}
    return {path.relative_to(ROOT) for path in named if path.is_relative_to(ROOT) and path.is_file()}


def _place(target: Path, path: Path | PurePosixPath) -> Path:
    place = target / path
    place.parent.mkdir(parents=True, exist_ok=True)
    return place
