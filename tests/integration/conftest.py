"""The stacks that integration tests share: each pytest worker starts its own with the project's own code."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.sink_stack import SinkServers, SinkStack, running_servers
from tests.support.stack import Installation, running_installation


@pytest.fixture(scope="package")
def shared_installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """One broker and one ClickHouse on free ports, for all tests that do not delete from the log."""
    with running_installation(tmp_path_factory.mktemp("stack")) as installation:
        yield installation


@pytest.fixture
def installation(shared_installation: Installation) -> Installation:
    """The shared stack. Tests use users of their own, while the audit always covers the whole log."""
    return shared_installation


@pytest.fixture(scope="package")
def sink_servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SinkServers]:
    """A broker and an engine for tests of the sink, which stop both and delete from the log."""
    with running_servers(tmp_path_factory.mktemp("sink")) as servers:
        yield servers


@pytest.fixture
def stack(sink_servers: SinkServers, tmp_path: Path) -> Iterator[SinkStack]:
    """What the test's own sink connects: the broker and a database of the engine."""
    with sink_servers.stack(tmp_path) as stack:
        yield stack
