"""The stack that integration tests share: started once a session, by the project's own code."""

from collections.abc import Iterator

import pytest

from tests.support.stack import Installation, running_installation


@pytest.fixture(scope="session")
def shared_installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """One broker and one ClickHouse on free ports, for all tests that leave the log as it is."""
    with running_installation(tmp_path_factory.mktemp("stack")) as installation:
        yield installation


@pytest.fixture
def installation(shared_installation: Installation) -> Installation:
    """The shared stack. Tests use users of their own, and the audit always covers the whole log."""
    return shared_installation
