"""What holds for every test: those that need no service reach for none."""

from collections.abc import Generator

import pytest

from tests.support.network import Connections

# Folders whose tests run services of their own.
WITH_SERVICES = frozenset({"integration", "contract", "faults"})

connections = Connections()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Fail a test that used the network where none may, even if it swallowed the error."""
    connections.forget()
    result = yield
    if connections.addresses and not WITH_SERVICES & set(item.path.parts):
        pytest.fail(f"the network was used: {', '.join(connections.addresses)}", pytrace=False)
    return result
