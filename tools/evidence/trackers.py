"""What other trackers lose and double in the browser matrix's scenarios, beside our recorder: from results."""

from functools import cache

from tests.browsers import results
from tests.browsers.results import FILE, Run
from tests.browsers.trackers import report
from tools.evidence.results import RESULTS, table

MISSING = ["Not measured yet: `make browsers SUBJECT=posthog` writes a tracker's results, `make schemas` this table."]


@cache
def _runs() -> dict[str, Run]:
    paths = {name: RESULTS / FILE.format(name) for name in report.SUBJECTS}
    return {name: results.load(path) for name, path in paths.items() if path.exists()}


def _measured() -> bool:
    return bool(set(_runs()) - set(report.NAMES))


def totals() -> list[str]:
    """Return each subject's sums."""
    return table(*report.totals(_runs())) if _measured() else MISSING


def by_engine() -> list[str]:
    """Return each subject's losses in each engine."""
    return table(*report.by_engine(_runs())) if _measured() else MISSING


def by_scenario() -> list[str]:
    """Return each subject's losses in each scenario, by group."""
    if not _measured():
        return MISSING
    lines: list[str] = []
    for group in report.groups(_runs()):
        lines += ["", f"### {group.capitalize()}", "", *table(*report.by_scenario(_runs(), group))]
    return lines[1:]


def left_out() -> list[str]:
    """Return what was not played on trackers, and why."""
    return (report.left_out(_runs()) or ["Nothing."]) if _measured() else MISSING


def configured() -> list[str]:
    """Return each tracker's version, configuration and source of advice."""
    return report.configured()
