"""Writes docs/guarantee/matrix.md from the cases of tests/faults: `python -m tools.matrix_page`."""

import sys
from collections.abc import Iterator
from inspect import getdoc
from pathlib import Path
from sys import modules
from textwrap import fill

from tests.faults import cases as _declared  # noqa: F401 - declares the cases
from tests.faults.case import CASES, SHOWN_BY, Case, first_of_each, quick

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "guarantee" / "matrix.md"
WIDTH = 120
INTRODUCTION = """# The fault matrix

For whoever asks whether a fault was thought of. Made from `tests/faults/cases` by `make schemas`: {count} cases, each a
fault in a running load, after which what readers see must equal the oracle ([how it is known](delivery.md)).
`make faults` runs them all, `make faults CASE="{first}"` one. The {quick} that are marked *quick*, the first of
each kind of fault and of each failpoint, run in `make test` too, unless a test of `tests/integration`, named there,
shows the same. What a run of all of them found: [evidence](../evidence/faults.md).
"""


def page() -> str:
    """Return the page: the same text for the same cases."""
    chosen = len(quick(CASES.values()))
    sections = [INTRODUCTION.format(count=len(CASES), first=next(iter(CASES)), quick=chosen)]
    for module in sorted({module_of(each) for each in CASES.values()}):
        sections.append("\n".join(_section(module)) + "\n")
    return "\n".join(sections)


def module_of(case: Case) -> str:
    """Return the module that declares a case."""
    # A case of a family is a partial of the family's function.
    return str(getattr(case.act, "func", case.act).__module__)


def _section(module: str) -> Iterator[str]:
    path = f"{module.replace('.', '/')}.py"
    yield f"## {module.rsplit('.', maxsplit=1)[-1].capitalize()}"
    yield _wrapped(f"{getdoc(modules[module])} In [{Path(path).name}](../../{path}).", "", "")
    yield ""
    firsts = first_of_each(CASES.values())
    for case in CASES.values():
        if module_of(case) == module:
            shown_by = SHOWN_BY.get(case.fault)
            marks = "" if case not in firsts else f" ({shown_by})" if shown_by else " *quick*"
            yield _wrapped(f"**{case.name}**: {case.what}{marks}", "- ", "  ")


def _wrapped(text: str, first: str, others: str) -> str:
    return fill(text, WIDTH, initial_indent=first, subsequent_indent=others, break_on_hyphens=False)


if __name__ == "__main__":
    PAGE.write_text(page())
    sys.stdout.write(f"{PAGE}\n")
