"""A proxy that HTTP_PROXY names is never asked for an address of this machine: nothing would work behind one."""

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, Gauge

from dashboards.observers import get
from oracle.views import Views
from streams.clickhouse.ask import Asking
from streams.clickhouse.client import answers, connect, pool
from streams.embedded.components import http_get
from streams.embedded.ports import LOOPBACK, Address, free_pair
from streams.runtime import health
from streams.settings import Settings
from streams.top.target import ask, named
from tests.support.clickhouse_http import PASSWORD, ClickHouseProcess

# Nothing listens there: whoever asks it fails.
DEAD = "http://127.0.0.1:1"
VARIABLES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClickHouseProcess]:
    process = ClickHouseProcess(tmp_path_factory.mktemp("clickhouse") / "data", free_pair())
    try:
        yield process.ready()
    finally:
        process.kill()


@pytest.fixture(autouse=True)
def _dead_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in itertools.chain(VARIABLES, map(str.lower, VARIABLES)):
        monkeypatch.setenv(name, DEAD)
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_clickhouse_on_this_machine_is_asked_directly(server: ClickHouseProcess, host: str) -> None:
    settings = Settings(clickhouse_url=f"http://{host}:{server.port}", IMPRESSIONS_CLICKHOUSE_PASSWORD=PASSWORD)
    assert answers(settings, 10)
    assert connect(settings).query("SELECT 1").result_rows == [(1,)]
    assert connect(settings, "reader").query("SELECT 1").result_rows == [(1,)]
    with Asking(settings) as asking:
        assert asking.one("SELECT 1") == 1


def test_the_oracle_asks_it_directly(server: ClickHouseProcess) -> None:
    assert Views(LOOPBACK, server.port, "default").rows("SELECT 1") == [(1,)]


def test_status_top_and_dashboards_ask_processes_directly(server: ClickHouseProcess) -> None:
    port = free_pair()
    registry = CollectorRegistry()
    ready = Gauge("impressions_worker_ready", "", registry=registry)
    ready.set(1)
    health.serve(LOOPBACK, port, health.Health(ready), registry)
    assert "impressions_worker_ready 1" in (http_get(Address(LOOPBACK, port), "/metrics") or "")
    assert ask(named(f"{LOOPBACK}:{port}")).unreachable == ""
    assert get(f"http://{LOOPBACK}:{server.port}/?query=SELECT+1+FORMAT+JSONEachRow") == {"1": 1}


def test_any_other_host_may_be_behind_a_proxy() -> None:
    assert pool("clickhouse.example.com") is None
    assert pool("192.0.2.7") is None
    assert pool("127.0.0.2") is pool("::1") is pool("localhost")


def test_no_client_of_the_product_opens_urls_by_itself(request: pytest.FixtureRequest) -> None:
    """urllib's own opener and requests' clients would ask the proxy, and aiohttp's if they trust the environment."""
    root = Path(str(request.config.rootpath))
    found = [
        str(path.relative_to(root))
        for folder in ("streams", "impression_streams", "oracle", "demo", "load", "dashboards", "bench")
        for path in (root / folder).rglob("*.py")
        if any(word in path.read_text() for word in ("urllib.request.urlopen", "trust_env=True", "import requests"))
    ]
    assert found == []
