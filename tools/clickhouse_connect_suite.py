"""`python -m tools.clickhouse_connect_suite CHECKOUT [pytest's arguments]`: clickhouse-connect's own tests.

Runs the integration tests of a checkout of clickhouse-connect, with the checkout's own driver, against a new embedded
ClickHouse, and ends with their exit code. What they need around the server is set up as their own compose file does,
where it is possible; what is not is said, and its tests skip themselves or fail:

- their interpreter (`--python`) with what the checkout's tests/test_requirements.txt lists;
- the ports that they have in them: 10723 for HTTP, 9000 for the native protocol, 10843 for HTTPS, with the checkout's
  certificates, if the name `server1.clickhouse.test` leads to this machine;
- a proxy, if their interpreter has the package proxy.py.
"""

import argparse
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from streams.embedded.components import http_get
from streams.embedded.ports import LOOPBACK, Address, free_pair
from streams.embedded.program import Program
from streams.embedded.run_folder import RunFolder

# A password of this run alone; the server listens on loopback.
_PASSWORD = "of-the-suite"
_START_SECONDS = 60.0
_TESTS = "tests/integration_tests"
_HTTP_PORT, _NATIVE_PORT, _TLS_PORT = 10723, 9000, 10843
_TLS_NAME = "server1.clickhouse.test"
_CERTIFICATES = Path(".docker/clickhouse/single_node_tls/certificates")


def main() -> int:
    """Start the server, run the tests, stop the server; return pytest's exit code."""
    parser = argparse.ArgumentParser(
        prog="tools.clickhouse_connect_suite", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("checkout", type=Path, help="a checkout of clickhouse-connect, built in place")
    parser.add_argument("--python", default=sys.executable, help="interpreter for the tests (default: this one)")
    parser.add_argument("--keep", type=Path, help="folder for the server's data and log (default: a temporary one)")
    given, arguments = parser.parse_known_args()
    if not (given.checkout / _TESTS).is_dir():
        parser.error(f"{given.checkout} has no {_TESTS}: it is not a checkout of clickhouse-connect.")
    with ExitStack() as stack:
        folder = given.keep or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        options, environment = _around(given.checkout.resolve())
        port = int(environment["CLICKHOUSE_CONNECT_TEST_PORT"])
        stack.enter_context(_server(folder.resolve(), port, options))
        if port == _HTTP_PORT and _has_proxy(given.python):
            environment["CLICKHOUSE_CONNECT_TEST_PROXY_ADDR"] = stack.enter_context(_proxy(folder, given.python))
        return _pytest(given.checkout.resolve(), given.python, environment, arguments)


def _around(checkout: Path) -> tuple[list[str], dict[str, str]]:
    """Return the server's options and the tests' environment, for what this machine allows."""
    port = _HTTP_PORT if _is_free(_HTTP_PORT) else free_pair()
    options: list[str] = []
    environment = {
        "CLICKHOUSE_CONNECT_TEST_HOST": LOOPBACK,
        "CLICKHOUSE_CONNECT_TEST_PORT": str(port),
        "CLICKHOUSE_CONNECT_TEST_USER": "writer",
        "CLICKHOUSE_CONNECT_TEST_PASSWORD": _PASSWORD,
        "PYTHONPATH": str(checkout),
        "PYTEST_ADDOPTS": "",
    }
    if _is_free(_NATIVE_PORT):
        options += ["--native-port", str(_NATIVE_PORT)]
    else:
        _say(f"Port {_NATIVE_PORT} is in use, so test_wrong_port_error_message fails.")
    certificates = checkout / _CERTIFICATES
    if certificates.is_dir() and _is_free(_TLS_PORT) and _is_here(_TLS_NAME):
        options += ["--tls-port", str(_TLS_PORT), "--hosts", _TLS_NAME]
        options += [
            "--tls-certificate",
            str(certificates / "server.crt"),
            "--tls-key",
            str(certificates / "server.key"),
        ]
        environment["CLICKHOUSE_CONNECT_TEST_TLS"] = "1"
    else:
        _say(f"Tests of TLS are skipped: they need port {_TLS_PORT}, and {_TLS_NAME} in the hosts file as {LOOPBACK}.")
    return options, environment


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def _is_here(name: str) -> bool:
    try:
        return socket.gethostbyname(name) == LOOPBACK
    except OSError:
        return False


def _say(text: str) -> None:
    sys.stderr.write(text + "\n")


@contextmanager
def _server(folder: Path, port: int, options: list[str]) -> Iterator[None]:
    argv = [sys.executable, "-m", "streams.embedded.clickhouse", "--port", str(port), "--path", str(folder / "data")]
    server = Program("clickhouse", RunFolder(folder), [*argv, *options], {"IMPRESSIONS_CLICKHOUSE_PASSWORD": _PASSWORD})
    with _running(server, lambda: http_get(Address(LOOPBACK, port), "/ping") is not None):
        yield


@contextmanager
def _proxy(folder: Path, python: str) -> Iterator[str]:
    """Run the package proxy.py; yield its address."""
    port = free_pair()
    argv = [python, "-m", "proxy", "--hostname", LOOPBACK, "--port", str(port), "--num-workers", "1"]
    with _running(Program("proxy", RunFolder(folder), argv, {}), lambda: not _is_free(port)):
        yield f"{LOOPBACK}:{port}"


@contextmanager
def _running(program: Program, ready: Callable[[], bool]) -> Iterator[None]:
    program.start()
    try:
        program.wait_until(ready, _START_SECONDS)
        yield
    finally:
        program.stop()


def _has_proxy(python: str) -> bool:
    found = subprocess.run([python, "-c", "import proxy"], capture_output=True, check=False).returncode == 0
    if not found:
        _say("Tests of proxies are skipped: the tests' interpreter has no package proxy.py.")
    return found


def _pytest(checkout: Path, python: str, environment: dict[str, str], arguments: list[str]) -> int:
    """Run the tests in one process: they share tables by name."""
    argv = [python, "-m", "pytest", "-o", "addopts=", "-o", "log_cli=false", "-q", *(arguments or [_TESTS])]
    return subprocess.run(argv, cwd=checkout, env={**os.environ, **environment}, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
