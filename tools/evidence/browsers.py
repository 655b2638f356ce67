"""The browser matrix: the tables are the runs' own, from their results."""

from textwrap import wrap

from tests.browsers import report, results
from tests.browsers.results import FILE, Run
from tools.evidence.results import RESULTS, table

# Lines of pages are no longer than this.
WIDTH = 120
MISSING = ["Not measured yet: `make browsers` writes the results, and `make schemas` this table."]


def _run(subject: str) -> Run | None:
    path = RESULTS / FILE.format(subject)
    return results.load(path) if path.exists() else None


def sums() -> list[str]:
    """Return what each engine's scenarios add up to."""
    run = _run("recorder")
    return table(*report.sums(run)) if run else MISSING


def scenarios() -> list[str]:
    """Return every scenario, by group."""
    run = _run("recorder")
    if run is None:
        return MISSING
    lines: list[str] = []
    for group in report.groups(run):
        lines += ["", f"### {group.capitalize()}", "", *table(*report.by_scenario(run, group))]
    return lines[1:]


def exceptions() -> list[str]:
    """Return what is expected to be lost, and why; and what was not as expected."""
    run = _run("recorder")
    if run is None:
        return MISSING
    expected = report.exceptions(run) or ["Nothing is expected to be lost."]
    said = [*expected, *(["", "Not as expected:", "", *wrong] if (wrong := report.wrong(run)) else [])]
    return [part for line in said for part in (wrap(line, WIDTH, subsequent_indent="  ") or [""])]


def control() -> list[str]:
    """Return the scenarios in which the naive recorder loses."""
    run = _run("control")
    if run is None:
        return ["Not measured yet: `make browsers SUBJECT=control` writes the results, and `make schemas` this table."]
    return table(("scenario", *report.TITLES.values()), report.losses(run.results))
