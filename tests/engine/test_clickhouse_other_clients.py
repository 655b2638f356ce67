"""Java's, Go's, Rust's, Node's and Python's clients against the embedded ClickHouse, each feature of each.

The clients are built once, of packages from their registries, into `.local/clients`: ten minutes on two cores.
`make test-clients` runs them, and `python -m tools.clients_page` makes the table of
docs/evidence/clickhouse-clients.md of the results.
"""

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from streams.embedded.ports import free_pair
from tests.support.clickhouse_http import PASSWORD, ClickHouseProcess
from tests.support.other_clients import BUILD_SECONDS, CLIENTS, LINES, Client, NotFetchedError

# What every client stores and reads: its row of this number.
TABLE = """CREATE OR REPLACE TABLE {} (id UInt64, name String, score Nullable(Float64), seen DateTime('Asia/Tokyo'),
at DateTime64(3, 'UTC'), tags Array(String), tier LowCardinality(String), price Decimal(18, 4), ok Bool, uid UUID)
ENGINE = MergeTree ORDER BY id"""
STORED = r"""SELECT count(), uniqExact(id), countIf(name = concat('náme ', toString(id), '\n\t\'\\')
AND if(id % 2 = 0, score = id / 8, score IS NULL) AND toUnixTimestamp(seen) = 1676369730 + id
AND toUnixTimestamp64Milli(at) = 1676369730123 + id AND tags = [concat('t', toString(id)), '']
AND tier = if(id % 3 = 0, 'pro', 'free') AND toInt64(price * 10000) = 10000 + id AND ok = (id % 2 = 0)
AND uid = toUUID(concat('00000000-0000-4000-8000-', leftPad(toString(id), 12, '0')))) FROM {}"""
CASES = [(name, feature) for name, client in CLIENTS.items() for feature in client.features]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClickHouseProcess]:
    process = ClickHouseProcess(tmp_path_factory.mktemp("clickhouse") / "data", free_pair())
    try:
        yield process.ready()
    finally:
        process.kill()


@pytest.fixture(scope="module")
def client(request: pytest.FixtureRequest) -> tuple[Client, Path]:
    if os.environ.get("IMPRESSIONS_TEST_CLIENTS") != "1":
        pytest.skip("make test-clients runs it: the clients are built first, which takes minutes")
    found = CLIENTS[request.param]
    if (tool := found.missing_tool()) is not None:
        pytest.skip(f"needs {tool}")
    try:
        return found, found.built()
    except NotFetchedError as error:
        pytest.skip(f"its packages can't be fetched: {error}")


@pytest.mark.timeout(4 * BUILD_SECONDS)  # another worker may build first
@pytest.mark.parametrize(("client", "feature"), CASES, indirect=["client"])
def test_the_client_has_the_feature(server: ClickHouseProcess, client: tuple[Client, Path], feature: str) -> None:
    of, folder = client
    table = re.sub(r"\W+", "_", f"{of.name} {feature}").lower()
    assert server.ask(TABLE.format(table)).status == 200
    of.try_feature(folder, server.url, PASSWORD, feature, table)
    if feature in ("rows", "compressed"):
        stored = LINES * (len(of.compressions) if feature == "compressed" else 1)
        assert server.ask(STORED.format(table)).data.decode() == f"{stored}\t{stored}\t{stored}\n"
