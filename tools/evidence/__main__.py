"""`python -m tools.evidence` rewrites every table of docs/evidence; the prose around them stays."""

import sys

from tools.evidence.pages import PAGES, filled

if __name__ == "__main__":
    for page in PAGES:
        page.write_text(filled(page.read_text()))
        sys.stdout.write(f"{page}\n")
