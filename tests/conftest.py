"""What holds for every test: those that need no service reach for none; what takes long to make is begun early.

`make test` runs several workers. Tests of a group run in one of them, one after the other, so that they share what
they start: by default the tests of a file, and each test of tests/faults by itself.
"""

import os
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from tests.support import ahead, leftovers
from tests.support.network import Connections

TESTS = Path(__file__).parent
# Folders whose tests run services of their own, the longest groups first.
WITH_SERVICES = ("faults", "integration", "engine", "contract")
FIRST_WORKER = "gw0"

connections = Connections()


def pytest_configure() -> None:
    """Leave nothing running, even when this process is killed."""
    leftovers.watch()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Group the tests; among workers begin with what takes long, so that none is left alone with it at the end."""
    for item in items:
        if item.get_closest_marker("xdist_group") is None:
            group = item.nodeid if _folder(item) == "faults" else str(item.path.relative_to(TESTS))
            item.add_marker(pytest.mark.xdist_group(group))
    if hasattr(config, "workerinput"):
        items.sort(key=_place)


def _place(item: pytest.Item) -> tuple[bool, int]:
    """Where it stands in a run of several workers: what waits for a build comes after what waits for nothing."""
    folder = _folder(item)
    return item.path.name in ahead.FOR, WITH_SERVICES.index(folder) if folder in WITH_SERVICES else len(WITH_SERVICES)


def _folder(item: pytest.Item) -> str:
    return item.path.relative_to(TESTS).parts[0]


@pytest.fixture(scope="session", autouse=True)
def _ahead(request: pytest.FixtureRequest) -> Iterator[None]:
    # One of the workers does it for all, and each knows all tests.
    mine = os.environ.get("PYTEST_XDIST_WORKER", FIRST_WORKER) == FIRST_WORKER
    process = ahead.begin({item.path.name for item in request.session.items}) if mine else None
    yield
    if process is not None:
        ahead.end(process)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Fail a test that used the network where none may, even if it swallowed the error."""
    connections.forget()
    result = yield
    if connections.addresses and _folder(item) not in WITH_SERVICES:
        pytest.fail(f"the network was used: {', '.join(connections.addresses)}", pytrace=False)
    return result
