"""A limit of the collector, as its test and its page have it."""

from collections.abc import Mapping
from dataclasses import dataclass

from tests.support.limit_setups import Send


@dataclass(frozen=True)
class Case:
    """A limit, its value in production, and what is sent beyond it to a collector of a set-up."""

    limit: str
    value: str
    send: Send
    status: int
    """What the first answer has; 0 if the connection ends without one."""
    counter: str
    """Without its prefix `impressions_collector_` and its suffix `_total`."""
    labels: Mapping[str, str]
    setup: str = "quick"


def refused(limit: str, value: str, status: int, reason: str, setup: str = "quick", **sends: Send) -> dict[str, Case]:
    """Return cases of one limit, each by what is sent, with _ for blanks."""
    labels = {"reason": reason}
    return {
        name.replace("_", " "): Case(limit, value, send, status, "refused_requests", labels, setup)
        for name, send in sends.items()
    }


def ended(limit: str, value: str, send: Send, status: int, reason: str, setup: str) -> Case:
    """Return a case that is counted by the reason for which the connection ended."""
    return Case(limit, value, send, status, "connections_ended", {"reason": reason}, setup)


def named(**cases: Case) -> dict[str, Case]:
    """Return cases by what is sent, with _ for blanks."""
    return {name.replace("_", " "): case for name, case in cases.items()}
