"""The ports beside the embedded ClickHouse's HTTP: HTTPS, and the native protocol's, which says where HTTP is."""

import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import clickhouse_connect
import pytest
import urllib3

from streams.embedded.ports import free_pair
from tests.support.clickhouse_http import PASSWORD, ClickHouseProcess
from tests.support.wait import until

SECONDS = 30.0


class Ports(ClickHouseProcess):
    """A server with all three ports; the certificate is its own authority's, for the name localhost."""

    def __init__(self, folder: Path) -> None:
        self.tls, self.native = free_pair(), free_pair()
        self.certificate, key = folder / "server.crt", folder / "server.key"
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
             "-addext", "subjectAltName=DNS:localhost", "-keyout", key, "-out", self.certificate],
            check=True, capture_output=True, timeout=SECONDS,
        )  # fmt: skip
        tls = ("--tls-port", self.tls, "--tls-certificate", self.certificate, "--tls-key", key)
        super().__init__(folder / "data", free_pair(), *map(str, (*tls, "--native-port", self.native)))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ports]:
    process = Ports(tmp_path_factory.mktemp("clickhouse"))
    try:
        process.ready()
        until(lambda: answers(process.native), SECONDS, "the other ports are open")
        yield process
    finally:
        process.kill()


def answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), SECONDS).close()
    except ConnectionRefusedError:
        return False
    return True


def said(port: int, sent: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", port), SECONDS) as connection:
        connection.sendall(sent)
        got = b""
        while piece := connection.recv(4096):
            got += piece
        return got


def test_a_client_that_checks_the_certificate_writes_and_reads_by_https(server: Ports) -> None:
    client = clickhouse_connect.get_client(
        host="localhost",
        port=server.tls,
        username="writer",
        password=PASSWORD,
        secure=True,
        ca_cert=str(server.certificate),
    )
    client.command("CREATE OR REPLACE TABLE tls (a UInt8) ENGINE = MergeTree ORDER BY a")
    client.insert("tls", [[7]], ["a"])
    assert client.query("SELECT a FROM tls").result_rows == [(7,)]
    assert server.ask("SELECT a FROM tls").data == b"7\n"  # by HTTP


def test_https_asks_for_the_same_password_and_own_name(server: Ports) -> None:
    with urllib3.PoolManager(ca_certs=str(server.certificate)) as pool:
        address = f"https://localhost:{server.tls}/"
        wrong = {"X-ClickHouse-User": "writer", "X-ClickHouse-Key": "wrong"}
        assert pool.request("POST", address, body="SELECT 1", headers=wrong, timeout=SECONDS).status == 403
        foreign = {"Host": "attacker.example"}
        assert pool.request("POST", address, body="SELECT 1", headers=foreign, timeout=SECONDS).status == 403
        assert pool.request("POST", address, body="SELECT 1", timeout=SECONDS).data == b"1\n"


def test_http_on_the_native_port_is_told_the_http_port(server: Ports) -> None:
    got = said(server.native, b"POST /?query=SELECT+1 HTTP/1.1\r\nHost: localhost\r\n\r\n").decode()
    assert got.startswith("HTTP/1.0 400 Bad Request\r\n\r\n")
    assert f"Port {server.native} is for clickhouse-client program\r\nYou must use port {server.port} for HTTP." in got
    with pytest.raises(clickhouse_connect.driver.exceptions.Error, match=f"You must use port {server.port} for HTTP"):
        clickhouse_connect.get_client(host="127.0.0.1", port=server.native)


def test_a_native_client_gets_exception_48_in_its_own_protocol(server: Ports) -> None:
    # Hello: packet 0, name, version, revision, database, user, password.
    got = said(server.native, b"\x00\x04test\x1a\x09\xe5\xa9\x03\x07default\x06writer\x00")
    assert got.startswith(b"\x02" + (48).to_bytes(4, "little") + b"\x0dDB::Exception")
    assert b"The native protocol is not served here" in got
    assert f"port {server.port}".encode() in got
    assert got.endswith(b"\x00\x00")  # no stack trace, nothing nested


def test_a_connection_that_says_nothing_keeps_nobody_from_an_answer(server: Ports) -> None:
    silent = [socket.create_connection(("127.0.0.1", server.native), SECONDS) for _ in range(10)]
    assert said(server.native, b"GET / HTTP/1.1\r\n\r\n").startswith(b"HTTP/1.0 400")
    for connection in silent:
        assert connection.recv(1) == b""  # closed by the server, in a while
        connection.close()


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--native-port", "{native}"], "ClickHouse's native port {native} can't be taken"),
        (["--tls-port", "{native}"], "ClickHouse's HTTPS port needs a certificate and its key."),
        (
            ["--tls-port", "1", "--tls-certificate", "none.crt", "--tls-key", "none.key"],
            "none.crt and key none.key can't",
        ),
    ],
)
def test_a_port_that_can_not_be_had_is_one_sentence(
    server: Ports, tmp_path: Path, options: list[str], expected: str
) -> None:
    process = ClickHouseProcess(
        tmp_path / "data", free_pair(), *(option.format(native=server.native) for option in options)
    )
    assert process.ended(SECONDS)
    lines = process.output().strip().splitlines()
    assert (process.exit_code, "Traceback" in process.output()) == (2, False)
    assert expected.format(native=server.native) in lines[-1]
