"""How tests are spread over pytest's workers: what shares a fixture stays together, what takes longest comes first."""

import re
from pathlib import Path

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from tests.support import ahead

# Folders by how long their groups take.
LONGEST_FIRST = ("faults", "integration", "engine", "contract")


class Groups(LoadScopeScheduling):  # type: ignore[misc] # xdist has no types
    """Gives each worker a group of tests at a time, in the order of the collection.

    xdist's own groups, of its marker, are lost on pytest 9.2: it hands them on by a private name that pytest no longer
    reads.
    """

    def __init__(self, config: pytest.Config, log: Producer) -> None:
        super().__init__(config, log)
        # Its own order is by the number of tests, which says little of how long they take.
        config.option.loadscopereorder = False

    def _split_scope(self, nodeid: str) -> str:
        return group(nodeid)


def group(nodeid: str) -> str:
    """The tests of a file are a group; of tests/faults each test is, or those that share a system, by its number."""
    file, _, test = nodeid.partition("::")
    if not file.startswith("tests/faults/"):
        return file
    system = re.search(r"\[(system \d+): ", test)
    return f"{file} {system[1]}" if system else nodeid


def place(path: Path) -> tuple[bool, int]:
    """Where a file, relative to tests/, stands: those that wait for a build come after all that start services."""
    folder = path.parts[0]
    if path.name in ahead.FOR:
        return (False, len(LONGEST_FIRST))
    return (False, LONGEST_FIRST.index(folder)) if folder in LONGEST_FIRST else (True, 0)
