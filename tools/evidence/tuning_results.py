"""The results of the tuning study, part by part."""

from collections.abc import Callable
from typing import Any

from tools.evidence.results import RESULTS, load

KB = 1000


def shown(make: Callable[[dict[str, Any]], list[str]], *parts: str) -> Callable[[], list[str]]:
    """Return what makes a table of these parts of the results, or says that they aren't measured."""

    def made() -> list[str]:
        runs = dict(load("recorder")["runs"]) if (RESULTS / "recorder.json").exists() else {}
        if not runs.keys() >= set(parts):
            return ["Not measured yet: `python -m bench.recorder` writes the figures, and `make schemas` this table."]
        return make(runs)

    return made
