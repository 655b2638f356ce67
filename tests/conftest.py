"""Rules for every test: tests that need no service use no network; slow builds start early."""

import os
import signal
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from tests.support import ahead, leftovers, logs
from tests.support.network import Connections
from tests.support.workers import Groups, place

TESTS = Path(__file__).parent
# Folders whose tests run services of their own.
WITH_SERVICES = frozenset({"contract", "engine", "integration", "faults", "browsers"})
FIRST_WORKER = "gw0"
# A test's broker lives for a minute, too short to earn back the cost of Java's second compiler.
JAVA = "-XX:TieredStopAtLevel=1"

connections = Connections()


def pytest_configure() -> None:
    """Leave nothing running, even when this process is killed; start brokers quickly."""
    # A shell's background job ignores it, and hands that down to every process that a test interrupts.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    leftovers.watch()
    os.environ["JAVA_TOOL_OPTIONS"] = JAVA


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadScopeScheduling:
    """Run tests that share services in one worker."""
    return Groups(config, log)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Start with the longest tests, so no worker is left alone with them at the end."""
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: place(item.path.relative_to(TESTS)))


@pytest.fixture(scope="session", autouse=True)
def _ahead(request: pytest.FixtureRequest) -> Iterator[None]:
    # One worker does it for all, and each knows all tests.
    mine = os.environ.get("PYTEST_XDIST_WORKER", FIRST_WORKER) == FIRST_WORKER
    process = ahead.begin({item.path.name for item in request.session.items}) if mine else None
    yield
    if process is not None:
        ahead.end(process)


@pytest.fixture(autouse=True)
def _logs() -> Iterator[None]:
    with logs.as_they_were():
        yield


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Fail a test that used the network where it may not, even if it swallowed the error."""
    connections.forget()
    result = yield
    if connections.addresses and item.path.relative_to(TESTS).parts[0] not in WITH_SERVICES:
        pytest.fail(f"the network was used: {', '.join(connections.addresses)}", pytrace=False)
    return result
