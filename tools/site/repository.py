"""A Sphinx extension: what code hosts do with Markdown, so that pages need nothing else to work on both.

- A link to a file of the repository that is not a page (`../topics.yaml`) leads to a page with its text, highlighted,
  under files/; a link to a folder leads to a list of its files. So the site is whole by itself, without a network.
- Headings have the anchors that a code host gives them.
- A picture links to its file, where it has its full size.
"""

from collections.abc import Iterator
from html import escape
from pathlib import Path
from posixpath import dirname, join, normpath
from typing import Any

from docutils import nodes
from pygments.lexers import get_lexer_for_filename
from pygments.util import ClassNotFound
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.builders.html import StandaloneHTMLBuilder
from sphinx.util.osutil import relative_uri

from tools.site.pages import ROOT

FOLDER = "files"
# Keys of nodes: where a link leads in the repository.
PATH = "repository_path"


class Files:
    """The repository's files that pages link to."""

    def __init__(self) -> None:
        self._linked: set[Path] = set()

    def take(self, app: Sphinx, doctree: nodes.document) -> None:
        """Take the links to files and folders out of those that MyST resolves, and report the others as it does."""
        for node in list(doctree.findall(addnodes.pending_xref)):
            if node["reftype"] != "myst" or node.get("refdomain"):
                continue
            target = normpath(join(dirname(node["refdoc"]), node["reftarget"]))
            path = ROOT / target
            if target.startswith("..") or not path.exists():
                continue
            self._linked |= {path, *(_files(path) if path.is_dir() else ())}
            link = nodes.reference("", "", *node.children, internal=True, refuri="", **{PATH: target})
            node.replace_self(link)

    def place(self, app: Sphinx, doctree: nodes.document, docname: str) -> None:
        """Give these links the address of their page."""
        for node in doctree.findall(nodes.reference):
            if PATH in node and isinstance(app.builder, StandaloneHTMLBuilder):
                node["refuri"] = app.builder.get_relative_uri(docname, f"{FOLDER}/{node[PATH]}")

    def pages(self, app: Sphinx) -> Iterator[tuple[str, dict[str, Any], str]]:
        """Yield a page for each file and folder: its name, what its template shows, its template."""
        for path in sorted(self._linked):
            name = path.relative_to(ROOT).as_posix()
            body = _list(app, path) if path.is_dir() else _text(app, path)
            yield f"{FOLDER}/{name}", {"title": name, "body": f"<h1>{escape(name)}</h1>\n{body}"}, "page.html"


def anchors(app: Sphinx, doctree: nodes.document) -> None:
    """Let headings have the anchors that a code host gives them, so that an address ends alike on both."""
    for section in doctree.findall(nodes.section):
        slug = section.get("slug")
        if slug and slug not in section["ids"]:
            section["ids"].insert(0, slug)


def pictures(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Let pictures link to their files, except those that link elsewhere."""
    if not isinstance(app.builder, StandaloneHTMLBuilder):
        return
    page = app.builder.get_target_uri(docname)
    for node in list(doctree.findall(nodes.image)):
        if not isinstance(node.parent, nodes.reference) and node["uri"] in app.env.images:
            address = relative_uri(page, f"{app.builder.imagedir}/{app.env.images[node['uri']][1]}")
            node.replace_self(nodes.reference("", "", node.deepcopy(), refuri=address))


def _files(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.iterdir()) if path.is_file() and _readable(path)]


def _readable(path: Path) -> bool:
    try:
        path.read_text()
    except UnicodeDecodeError:
        return False
    return not path.name.startswith(".")


def _list(app: Sphinx, folder: Path) -> str:
    here = f"{FOLDER}/{folder.relative_to(ROOT).as_posix()}"
    items = []
    for path in _files(folder):
        address = app.builder.get_relative_uri(here, f"{here}/{path.name}")
        items.append(f'<li><a href="{escape(address)}"><code>{escape(path.name)}</code></a></li>')
    return "<ul>\n" + "\n".join(items) + "\n</ul>"


def _text(app: Sphinx, path: Path) -> str:
    assert isinstance(app.builder, StandaloneHTMLBuilder)
    text = path.read_text()
    try:
        lexer = get_lexer_for_filename(path.name).aliases[0]
    except (ClassNotFound, IndexError):
        lexer = "text"
    return app.builder.highlighter.highlight_block(text, lexer, force=True, linenos=False)


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect the extension. Its links are kept in this process, so documents are not read in others."""
    files = Files()
    # Before Sphinx's own collectors (500), which note the anchors of headings.
    app.connect("doctree-read", anchors, priority=100)
    app.connect("doctree-read", files.take)
    app.connect("doctree-resolved", files.place)
    app.connect("doctree-resolved", pictures)
    app.connect("html-collect-pages", files.pages)
    return {"parallel_read_safe": False, "parallel_write_safe": True}
