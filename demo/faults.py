"""What the demo does to the log, in words for people: each fault, how often, and what must come of it."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fault:
    """A row of the summary: the kinds of faults that it counts, by how their names in the plan begin."""

    name: str
    outcome: str
    kinds: tuple[str, ...]
    names_kinds: bool = False
    """Whether to say how many kinds there are: one each."""


FAULTS = (
    Fault("sent again, as retries do", "dropped", ("retry, ",)),
    Fault("fired twice by the browser", "dropped", ("double fire, ",)),
    Fault("seen in a second tab as well", "dropped", ("second tab, ",)),
    Fault("flushes out of order", "judged by their time", ("flush out of order",)),
    Fault("flushes hours late, once online", "judged by their time", ("flush hours late",)),
    Fault("pairs a window apart, +/- 1 ms", "exact to the ms", ("window ",)),
    Fault("30 h old, seen before", "rejected: late", ("30 h old, seen before",)),
    Fault("30 h old, never seen", "accepted", ("30 h old, archive",)),
    Fault("an hour in the future", "rejected: future", ("an hour ahead",)),
    Fault("not JSON", "rejected: malformed", ("malformed: ", "broken line in a packed record"), names_kinds=True),
    Fault("a field is wrong", "rejected: invalid", ("invalid impression: ", "invalid flush: "), names_kinds=True),
    Fault("too large", "rejected: oversize", ("oversize: ",), names_kinds=True),
    Fault(
        "odd but allowed",
        "accepted",
        ("odd but right: ", "flush with unknown fields", "flush with duplicate keys"),
        names_kinds=True,
    ),
    Fault("in a wrong partition", "forwarded", ("record in a wrong partition", "packed line in a wrong partition")),
    Fault("records of several flushes", "judged one by one", ("packed record",)),
    Fault(
        "artworks late, changed or absent",
        "coverage follows",
        (
            "artwork learned midway",
            "artwork learned afterwards",
            "artwork never learned",
            "artwork retired, removed, moved",
        ),
    ),
    Fault("wrong catalogue records", "refused", ("catalogue record to refuse",)),
)
# Its flushes are counted.
UNCOUNTED = ("offline stretch",)
KILLED = Fault("worker killed by SIGKILL", "nothing lost", ())


def counted(injected: Mapping[str, int], kills: int) -> list[tuple[str, int, str]]:
    """Return name, number and outcome of each fault."""
    rows = []
    for fault in FAULTS:
        kinds = [kind for kind in injected if kind.startswith(fault.kinds)]
        name = f"{fault.name}: {len(kinds)} kinds" if fault.names_kinds else fault.name
        rows.append((name, sum(injected[kind] for kind in kinds), fault.outcome))
    if kills:
        rows.append((KILLED.name, kills, KILLED.outcome))
    return rows
