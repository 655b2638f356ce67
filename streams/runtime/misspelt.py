"""Variables of the environment that look like settings and are none."""

import difflib
from collections.abc import Iterable

from streams.settings import PREFIX, Settings


def unknown(names: Iterable[str]) -> dict[str, str]:
    """Return the variables that look like settings and are none, each with the nearest one; empty if none is near."""
    known = set(Settings.variables().values())
    ends = {each.removeprefix(PREFIX): each for each in known}
    found = {}
    for name in sorted(names):
        upper = name.upper()  # the library takes names in any case
        if upper.startswith(PREFIX) and upper not in known:
            near = difflib.get_close_matches(upper.removeprefix(PREFIX), ends, 1)
            found[name] = ends[near[0]] if near else ""
    return found
