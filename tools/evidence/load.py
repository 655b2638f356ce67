"""Virtual users over HTTP: the tables of the load runs are the runs' own, from their figures."""

from collections.abc import Callable

from load import report
from tools.evidence.results import RESULTS, load, table


def recording() -> list[str]:
    """Return how long recording took."""
    return _table(report.recording)


def ledgers() -> list[str]:
    """Return what the users recorded, and what of it arrived."""
    return _table(report.ledgers)


def shown() -> list[str]:
    """Return how long it took until the read API showed it."""
    return _table(report.shown)


def programs() -> list[str]:
    """Return what each program used."""
    return _table(report.programs)


def happened() -> list[str]:
    """Return what the users were answered."""
    return _table(report.happened)


def rates() -> list[str]:
    """Return the search for the highest rate."""
    return _table(report.rates)


def _table(make: Callable[[report.Figures], report.Table]) -> list[str]:
    if not (RESULTS / "load.json").exists():
        return ["Not measured yet: `make load` writes the figures, and `make schemas` this table."]
    return table(*make(load("load")["runs"]))
