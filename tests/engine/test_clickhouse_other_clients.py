"""Go's, Rust's and Node's clients, with and without compression, against the embedded ClickHouse.

Building them fetches packages and takes minutes, so it is done on request: IMPRESSIONS_TEST_CLIENTS=1.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from streams.embedded.ports import free_pair
from tests.support.clickhouse_http import PASSWORD, ClickHouseProcess

SOURCES = Path(__file__).parent / "clients"
# By the program that builds it: what builds the client in its folder, and what runs it.
CLIENTS = {
    "go": (["go", "build", "-mod=mod", "-o", "client", "."], ["./client"]),
    "cargo": (["cargo", "build", "--quiet"], ["target/debug/client"]),
    "npm": (["npm", "install", "--silent"], ["node", "client.js"]),
}
FOLDERS = {"go": "go", "cargo": "rust", "npm": "node"}
BUILD_SECONDS = 1200


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClickHouseProcess]:
    process = ClickHouseProcess(tmp_path_factory.mktemp("clickhouse") / "data", free_pair())
    try:
        yield process.ready()
    finally:
        process.kill()


@pytest.mark.skipif(not os.environ.get("IMPRESSIONS_TEST_CLIENTS"), reason="on request: IMPRESSIONS_TEST_CLIENTS=1")
@pytest.mark.timeout(BUILD_SECONDS + 120)
@pytest.mark.parametrize("tool", CLIENTS)
def test_the_client_of_another_language_gets_each_row_it_sent(
    server: ClickHouseProcess, tmp_path: Path, tool: str
) -> None:
    if shutil.which(tool) is None:
        pytest.skip(f"needs {tool}")
    folder = tmp_path / "client"
    shutil.copytree(SOURCES / FOLDERS[tool], folder)
    build, run = CLIENTS[tool]
    subprocess.run(build, cwd=folder, check=True, timeout=BUILD_SECONDS)
    address = f"127.0.0.1:{server.port}" if tool == "go" else server.url
    ran = subprocess.run(
        [*run, address, PASSWORD], cwd=folder, capture_output=True, text=True, check=False, timeout=120
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
