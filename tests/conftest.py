"""What holds for every test: those that need no service reach for none; what takes long to make is begun early."""

from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from tests.support import ahead
from tests.support.network import Connections

TESTS = Path(__file__).parent
# Folders whose tests run services of their own.
WITH_SERVICES = frozenset({"contract", "engine", "integration", "faults"})

connections = Connections()


@pytest.fixture(scope="session", autouse=True)
def _ahead(request: pytest.FixtureRequest) -> Iterator[None]:
    process = ahead.begin({item.path.name for item in request.session.items})
    yield
    if process is not None:
        ahead.end(process)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Fail a test that used the network where none may, even if it swallowed the error."""
    connections.forget()
    result = yield
    if connections.addresses and item.path.relative_to(TESTS).parts[0] not in WITH_SERVICES:
        pytest.fail(f"the network was used: {', '.join(connections.addresses)}", pytrace=False)
    return result
