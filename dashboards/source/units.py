"""Units, and what each counts: a bare number says neither."""

from typing import NamedTuple


class Unit(NamedTuple):
    """Grafana's name of a unit, and what is measured in it, as an axis says it; empty where the values say it."""

    code: str
    of: str = ""


# Their values carry them: 97 %, 12 ms, 3 KiB.
SHARE, SECONDS, MS, BYTES = Unit("percentunit"), Unit("s"), Unit("ms"), Unit("bytes")
USD, HOURS, ISO = Unit("currencyUSD"), Unit("suffix: h"), Unit("dateTimeAsIso")
# A text, a state, or a table whose columns have units of their own.
NONE = Unit("none")


def count(of: str) -> Unit:
    """Return the unit of a number of things: users, rows."""
    return Unit("short", of)


def rate(of: str) -> Unit:
    """Return the unit of a number of things a second."""
    return Unit("count:/s", f"{of} a second")


def share(of: str) -> Unit:
    """Return the unit of a share, from 0 to 1, shown in percent."""
    return Unit(SHARE.code, f"share of {of}")
