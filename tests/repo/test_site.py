"""The site: it builds without a warning, every link in it leads somewhere, and it needs no other host."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

import pytest

from tests.repo.test_files import tracked_files
from tests.repo.test_links import anchors
from tools.site import pages
from tools.site.navigation import INDEX, children, sections

ROOT = Path(__file__).resolve().parents[2]
# What a browser fetches by itself: these attributes of these elements, and every link element.
FETCHED = {"script": "src", "img": "src", "iframe": "src", "source": "src", "video": "src", "audio": "src"}
FETCHED |= {"embed": "src", "object": "data", "link": "href", "image": "href", "use": "href"}
OTHER_HOST = re.compile(r"^(?:[a-z][a-z+.-]*:)?//")
IN_CSS = re.compile(r"@import|url\(\s*['\"]?(?:https?:)?//")


class Page(HTMLParser):
    """What a page of the site fetches, links to, and can be linked at."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.fetched: list[str] = []
        self.links: list[str] = []
        self.ids: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element's addresses and its id."""
        given = {name: value or "" for name, value in attrs}
        if FETCHED.get(tag) in given:
            self.fetched.append(given[FETCHED[tag]])
        self.fetched += [each.split()[0] for each in given.get("srcset", "").split(",") if each.strip()]
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        if "id" in given:
            self.ids.add(given["id"])


def python(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built as `make docs` does."""
    out = tmp_path_factory.mktemp("site") / "docs"
    built = python("-m", "tools.site", "--to", str(out))
    assert built.returncode == 0, built.stderr
    return out


@pytest.fixture(scope="module")
def built(site: Path) -> dict[Path, Page]:
    return {path: Page(path.read_text()) for path in site.rglob("*.html")}


def test_all_markdown_of_the_repository_is_in_the_site() -> None:
    assert {ROOT / page for page in pages.pages()} == {path for path in tracked_files() if path.suffix == ".md"}


def test_every_page_is_built_and_in_the_sidebar(site: Path, built: dict[Path, Page]) -> None:
    everything = pages.pages()
    folders = {child: page for page in everything for child in children(page, everything)}
    for page in everything:
        assert site / page.with_suffix(".html") in built
        start = folders.get(page, PurePosixPath("index.md")).with_suffix(".html")
        target = (site / page.with_suffix(".html")).resolve()
        links = {(site / start.parent / link).resolve() for link in built[site / start].links}
        assert target in links, f"{page} is not in the sidebar of {start}"


def broken(site: Path, built: dict[Path, Page]) -> Iterator[str]:
    """Yield each link and fetched file of the site that is not there, or that has no such anchor."""
    for path, page in built.items():
        for link in {*page.links, *page.fetched}:
            address = urlsplit(link)
            if address.scheme or address.netloc:
                continue
            found = (path.parent / unquote(address.path)).resolve() if address.path else path
            there = found.is_file() and found.is_relative_to(site)
            if not there or (found in built and address.fragment and unquote(address.fragment) not in built[found].ids):
                yield f"{path.relative_to(site)}: {link}"


def test_every_link_and_anchor_of_the_site_leads_somewhere(site: Path, built: dict[Path, Page]) -> None:
    assert not list(broken(site, built))


def test_a_broken_link_of_the_site_is_found(site: Path) -> None:
    index = site / "index.html"
    text = '<p id="here"><a href="#here"></a><a href="#no"></a><a href="no.html"></a><img src="../../no.png"></p>'
    assert sorted(broken(site, {index: Page(text)})) == [
        "index.html: #no",
        "index.html: ../../no.png",
        "index.html: no.html",
    ]


def test_nothing_is_fetched_from_another_host(site: Path, built: dict[Path, Page]) -> None:
    assert len(built) > 50
    fetched = {(path.name, address) for path, page in built.items() for address in page.fetched}
    assert not [each for each in fetched if OTHER_HOST.match(each[1])]
    styles = [*site.rglob("*.css"), *built]
    assert not [str(path) for path in styles if path.suffix == ".css" and IN_CSS.search(path.read_text())]
    assert not [str(path) for path in site.rglob("*.svg") if IN_CSS.search(path.read_text())]


def test_what_a_page_would_fetch_from_another_host_is_found() -> None:
    page = Page('<img src="https://a/b.png"><link href="//c/d.css"><script src="e.js"></script><a href="https://f">')
    assert [bool(OTHER_HOST.match(address)) for address in page.fetched] == [True, True, False]
    assert IN_CSS.search("@font-face{src:url('https://a/b.woff2')}")


@pytest.mark.parametrize("page", pages.pages(), ids=str)
def test_headings_have_the_anchors_of_a_code_host(page: PurePosixPath, built: dict[Path, Page], site: Path) -> None:
    assert anchors((ROOT / page).read_text()) <= built[site / page.with_suffix(".html")].ids


def test_files_that_pages_link_to_have_a_page(site: Path, built: dict[Path, Page]) -> None:
    assert "impressions.accepted.v1" in (site / "files" / "topics.yaml.html").read_text()
    queries = built[site / "files" / "clickhouse" / "queries.html"].links
    assert sum(link.endswith(".sql.html") for link in queries) == 11


def test_pictures_link_to_their_files(built: dict[Path, Page], site: Path) -> None:
    page = built[site / "docs" / "operate" / "dashboards.html"]
    assert len(page.fetched) > 5
    assert {each for each in page.fetched if each.endswith(".png")} <= set(page.links)


def test_settings_and_commands_can_be_searched(site: Path) -> None:
    index = (site / "searchindex.js").read_text()
    # Words are stemmed.
    assert "impressions_lateness_second" in index
    assert "uncatalogu" in index


def test_the_landing_page_has_one_picture_and_the_two_commands(site: Path) -> None:
    article = (site / "index.html").read_text().split("<article")[1].split("</article>")[0]
    assert article.count("<img ") == 1
    shown = re.sub(r"<[^>]+>", "", article)
    assert "make demo" in shown
    assert "make test" in shown


def test_the_index_names_every_page() -> None:
    index = (ROOT / INDEX).read_text()
    everything = pages.pages()
    titles = {page: "" for page in everything}
    unnamed = [page for section in sections(index, titles) for title, page in section.pages if not title]
    assert unnamed == [INDEX], f"add to {INDEX}: {unnamed}"


@pytest.fixture(scope="module")
def warnings(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What Sphinx says about a page with four mistakes, each of which is in a test of its own below."""
    source, out = tmp_path_factory.mktemp("pages"), tmp_path_factory.mktemp("out")
    mistakes = "[gone](docs/gone.md) [gone](b.md#gone) ![gone](gone.png)"
    (source / "index.md").write_text(f"# A\n\n```{{toctree}}\nb\ngone\n```\n\n{mistakes}\n")
    (source / "b.md").write_text("# B\n")
    lines = ["import sys", "from pathlib import Path", "from tools.site.__main__ import build"]
    lines += ["sys.exit(build(Path(sys.argv[1]), Path(sys.argv[2]), 'html'))"]
    # Machines that build often ask for colours in what is not a terminal.
    built = python("-c", "\n".join(lines), str(source), str(out), FORCE_COLOR="1")
    assert built.returncode != 0
    return built.stderr


@pytest.mark.parametrize(
    ("mistake", "warning"),
    [
        ("link to a page", "cross-reference target not found: 'docs/gone.md'"),
        ("link to a heading", "local id not found in doc 'b': 'gone'"),
        ("picture", "image file not readable: gone.png"),
        ("page in the sidebar", "toctree contains reference to nonexisting document 'gone'"),
    ],
)
def test_a_warning_fails_the_build(mistake: str, warning: str, warnings: str) -> None:
    assert [line for line in warnings.splitlines() if line.startswith("index.md:") and warning in line], mistake


def test_a_folder_that_holds_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    built = python("-m", "tools.site", "--to", str(tmp_path))
    assert built.returncode == 2
    assert "holds something else than a built site: name another folder." in built.stderr
    assert "Traceback" not in built.stderr
    assert (tmp_path / "mine.txt").read_text() == "mine"


def test_a_site_that_was_built_before_is_replaced(tmp_path: Path) -> None:
    (tmp_path / ".buildinfo").touch()
    (tmp_path / "old.html").touch()
    pages.clear(tmp_path)
    assert not tmp_path.exists()
