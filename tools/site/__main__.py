"""Builds the site: `python -m tools.site`; checks its links to other sites: `python -m tools.site --links`."""

import argparse
import sys
import tempfile
from pathlib import Path

from sphinx.cmd.build import build_main

from tools.site import pages

HERE = Path(__file__).resolve().parent


def build(out: Path, builder: str) -> int:
    """Run one of Sphinx's builders on the pages, from scratch; return its exit code. Any warning is an error."""
    pages.clear(out)
    with tempfile.TemporaryDirectory() as folder:
        source, doctrees = Path(folder, "pages"), Path(folder, "doctrees")
        source.mkdir()
        pages.copy(source)
        options = ["--quiet", "--fail-on-warning", "--fresh-env", "--builder", builder]
        return build_main([*options, "--conf-dir", str(HERE), "--doctree-dir", str(doctrees), str(source), str(out)])


def main() -> int:
    """Build what is asked for; return 0 if nothing is wrong."""
    parser = argparse.ArgumentParser(prog="python -m tools.site", description=__doc__)
    parser.add_argument("--to", type=Path, default=pages.ROOT / "build" / "docs", help="the folder to write into")
    parser.add_argument("--links", action="store_true", help="check the links to other sites instead")
    options = parser.parse_args()
    if options.links:
        with tempfile.TemporaryDirectory() as folder:
            return build(Path(folder), "linkcheck")
    code = build(options.to, "html")
    if code == 0:
        sys.stdout.write(f"{options.to / 'index.html'}\n")
    return code


if __name__ == "__main__":
    sys.exit(main())
