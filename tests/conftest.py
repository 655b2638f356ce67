"""What holds for every test: those that need no service reach for none; what takes long to make is begun early."""

from collections.abc import Generator, Iterator

import pytest

from tests.support import ahead
from tests.support.network import Connections

# Folders whose tests run services of their own.
WITH_SERVICES = frozenset({"integration", "contract", "faults"})

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
    if connections.addresses and not WITH_SERVICES & set(item.path.parts):
        pytest.fail(f"the network was used: {', '.join(connections.addresses)}", pytrace=False)
    return result
