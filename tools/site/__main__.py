"""Builds the site: `python -m tools.site`; checks its links to other sites: `python -m tools.site --links`."""

import argparse
import contextlib
import io
import sys
import tempfile
from pathlib import Path

from sphinx.cmd.build import build_main

from tools.site import pages

HERE = Path(__file__).resolve().parent


def build(source: Path, out: Path, builder: str) -> int:
    """Run one of Sphinx's builders on a folder of pages; return its exit code. Any warning is an error."""
    said = io.StringIO()
    with tempfile.TemporaryDirectory() as doctrees, contextlib.redirect_stderr(said):
        # Without colours, also where the environment asks for them: what it says is read and cut below.
        options = ["--quiet", "--no-color", "--fail-on-warning", "--builder", builder]
        code = build_main([*options, "--conf-dir", str(HERE), "--doctree-dir", doctrees, str(source), str(out)])
    # A warning about the sidebar comes once for each page, and pages are known by their place in the repository.
    for line in dict.fromkeys(said.getvalue().replace(f"{source}/", "").splitlines()):
        sys.stderr.write(f"{line}\n")
    return code


def main() -> int:
    """Build what is asked for; return 0 if nothing is wrong."""
    parser = argparse.ArgumentParser(prog="python -m tools.site", description=__doc__)
    parser.add_argument("--to", type=Path, default=pages.ROOT / "build" / "docs", help="the folder to write into")
    parser.add_argument("--links", action="store_true", help="check the links to other sites instead")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, "pages")
        source.mkdir()
        pages.copy(source)
        if options.links:
            return build(source, Path(folder, "links"), "linkcheck")
        try:
            pages.clear(options.to)
        except FileExistsError as error:
            parser.error(str(error))
        code = build(source, options.to, "html")
    if code == 0:
        sys.stdout.write(f"{options.to / 'index.html'}\n")
    return code


if __name__ == "__main__":
    sys.exit(main())
