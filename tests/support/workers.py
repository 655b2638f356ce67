"""How tests are spread over pytest's workers: tests that share a fixture stay together, the longest start first."""

import re
from pathlib import Path

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from tests.support import ahead

# Folders, those with the longest-running groups first.
LONGEST_FIRST = ("browsers", "faults", "integration", "engine", "contract")
# Files of tests/faults whose tests share one system.
ONE_SYSTEM = frozenset({"tests/faults/test_collector_controls.py"})


class Groups(LoadScopeScheduling):  # type: ignore[misc] # xdist has no types
    """Gives each worker one group of tests at a time, in collection order.

    xdist's own groups, made by its marker, are lost on pytest 9.2: xdist passes them on by a private name that pytest
    no longer reads.
    """

    def __init__(self, config: pytest.Config, log: Producer) -> None:
        super().__init__(config, log)
        # xdist's own order is by the number of tests, which says little about how long they take.
        config.option.loadscopereorder = False

    def _split_scope(self, nodeid: str) -> str:
        return group(nodeid)


def group(nodeid: str) -> str:
    """Return a test's group: its file. In tests/faults, each test is a group, or all tests of one system."""
    file, _, test = nodeid.partition("::")
    if not file.startswith("tests/faults/") or file in ONE_SYSTEM:
        return file
    system = re.search(r"\[(system \d+): ", test)
    return f"{file} {system[1]}" if system else nodeid


def place(path: Path) -> tuple[bool, int]:
    """Return a file's sort key (path relative to tests/): tests that wait for a build follow all that start
    services."""
    folder = path.parts[0]
    if path.name in ahead.FOR:
        return (False, len(LONGEST_FIRST))
    return (False, LONGEST_FIRST.index(folder)) if folder in LONGEST_FIRST else (True, 0)
