"""`python -m tools.clickhouse_connect_suite CHECKOUT [pytest's arguments]`: clickhouse-connect's own tests.

Runs the integration tests of a checkout of clickhouse-connect, with the checkout's own driver, against a new embedded
ClickHouse, and ends with their exit code. The interpreter needs what the checkout's tests/test_requirements.txt lists.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from streams.embedded.components import http_get
from streams.embedded.ports import LOOPBACK, Address, free_pair
from streams.embedded.program import Program
from streams.embedded.run_folder import RunFolder

# A password of this run alone; the server listens on loopback.
_PASSWORD = "of-the-suite"
_START_SECONDS = 60.0
_TESTS = "tests/integration_tests"


def main() -> int:
    """Start the server, run the tests, stop the server; return pytest's exit code."""
    parser = argparse.ArgumentParser(prog="tools.clickhouse_connect_suite", description=__doc__)
    parser.add_argument("checkout", type=Path, help="a checkout of clickhouse-connect")
    parser.add_argument("--keep", type=Path, help="folder for the server's data and log (default: a temporary one)")
    given, arguments = parser.parse_known_args()
    if not (given.checkout / _TESTS).is_dir():
        parser.error(f"{given.checkout} has no {_TESTS}: it is not a checkout of clickhouse-connect.")
    if given.keep is not None:
        return _run(given.checkout, given.keep.resolve(), arguments)
    with tempfile.TemporaryDirectory() as folder:
        return _run(given.checkout, Path(folder), arguments)


def _run(checkout: Path, folder: Path, arguments: list[str]) -> int:
    port = free_pair()
    server = Program(
        "clickhouse",
        RunFolder(folder),
        [sys.executable, "-m", "streams.embedded.clickhouse", "--port", str(port), "--path", str(folder / "data")],
        {"IMPRESSIONS_CLICKHOUSE_PASSWORD": _PASSWORD},
    )
    server.start()
    try:
        server.wait_until(lambda: http_get(Address(LOOPBACK, port), "/ping") is not None, _START_SECONDS)
        return _pytest(checkout, port, arguments)
    finally:
        server.stop()


def _pytest(checkout: Path, port: int, arguments: list[str]) -> int:
    """Run the tests in one process: they share tables by name."""
    environment = {
        **os.environ,
        "CLICKHOUSE_CONNECT_TEST_HOST": LOOPBACK,
        "CLICKHOUSE_CONNECT_TEST_PORT": str(port),
        "CLICKHOUSE_CONNECT_TEST_USER": "writer",
        "CLICKHOUSE_CONNECT_TEST_PASSWORD": _PASSWORD,
        "PYTHONPATH": str(checkout.resolve()),
        "PYTEST_ADDOPTS": "",
    }
    argv = [sys.executable, "-m", "pytest", "-o", "addopts=", "-o", "log_cli=false", "-q", *(arguments or [_TESTS])]
    return subprocess.run(argv, cwd=checkout, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
