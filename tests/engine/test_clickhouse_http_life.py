"""The embedded ClickHouse's process: many clients at once, clients that disconnect, its start and its end."""

import http.client
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from streams.embedded.ports import free_pair
from tests.support.clickhouse_http import PASSWORD, ClickHouseProcess
from tests.support.wait import until

ENDLESS = "SELECT number, repeat('x', 1000) FROM numbers(1000000000000)"
SILENT = "SELECT sum(cityHash64(number)) FROM numbers(1000000000000)"
PROCESSES = "SELECT count() FROM system.processes WHERE query LIKE '%1000000000000)%' AND query NOT LIKE '%processes%'"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClickHouseProcess]:
    path = tmp_path_factory.mktemp("clickhouse") / "data"
    options = ["--reader-handles", "2", "--queue-seconds", "0.2", "--send-timeout-seconds", "2"]
    process = ClickHouseProcess(path, free_pair(), *options)
    try:
        process.ready().ask("CREATE TABLE t (a UInt64) ENGINE = MergeTree ORDER BY a")
        yield process
    finally:
        process.kill()


def start(server: ClickHouseProcess, sql: str) -> socket.socket:
    """Send a query as the reader and read nothing."""
    connection = socket.create_connection(("127.0.0.1", server.port))
    body = sql.encode()
    connection.sendall(b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
    return connection


def running(server: ClickHouseProcess) -> int:
    return int(server.ask(PROCESSES).data)


def test_readers_block_neither_the_writer_nor_each_other(server: ClickHouseProcess) -> None:
    with start(server, SILENT):
        until(lambda: running(server) == 1, 10, "the query runs")
        assert server.ask("INSERT INTO t VALUES (1)").status == 200
        assert server.ask("SELECT count() FROM t", user="reader").status == 200
        assert running(server) == 1
    until(lambda: running(server) == 0, 10, "the query of a client that left is cancelled")


def test_without_a_free_handle_a_reader_gets_an_error(server: ClickHouseProcess) -> None:
    with start(server, SILENT), start(server, SILENT):
        until(lambda: running(server) == 2, 10, "both queries run")
        got = server.ask("SELECT 1", user="reader")
        assert got.headers["X-ClickHouse-Exception-Code"] == "202"
        assert server.ask("INSERT INTO t VALUES (1)").status == 200
    until(lambda: server.ask("SELECT 1", user="reader").status == 200, 10, "the handles are free again")


def test_a_client_that_stops_reading_loses_its_query(server: ClickHouseProcess) -> None:
    with start(server, ENDLESS) as connection:
        assert connection.recv(100).startswith(b"HTTP/1.1 200 OK")
        before = resident_mib(server)
        until(lambda: running(server) == 0, 20, "the query is cancelled after the send timeout")
        assert resident_mib(server) < before + 500  # nothing accumulates: two blocks of 66 MB and their copies
    assert server.ask("SELECT 1", user="reader").status == 200


def resident_mib(server: ClickHouseProcess) -> int:
    status = Path(f"/proc/{server.pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) >> 10


def test_a_client_that_disconnects_during_an_insert_stores_nothing(server: ClickHouseProcess) -> None:
    server.ask("CREATE OR REPLACE TABLE half (a UInt64) ENGINE = MergeTree ORDER BY a")
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        head = f"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-ClickHouse-User: writer\r\nX-ClickHouse-Key: {PASSWORD}\r\n"
        connection.sendall(head.encode() + b"Content-Length: 9000000\r\n\r\nINSERT INTO half FORMAT CSV\n")
        connection.sendall(b"1\n" * 2_000_000)
    until(
        lambda: b"half" not in server.ask("SELECT query FROM system.processes WHERE query LIKE 'INSERT%'").data, 10, ""
    )
    assert server.ask("SELECT count() FROM half").data == b"0\n"


def refusal(process: ClickHouseProcess) -> str:
    """Return the output of a process that doesn't start."""
    assert process.ended(60)
    assert process.exit_code == 2
    lines = process.output().strip().splitlines()
    return lines[-1]


def test_a_port_in_use_is_reported_in_one_sentence(server: ClickHouseProcess, tmp_path: Path) -> None:
    said = refusal(ClickHouseProcess(tmp_path / "data", server.port))
    assert said.startswith(f"ClickHouse's address 127.0.0.1:{server.port} is in use")


def test_for_a_data_folder_in_use_the_error_names_the_process(server: ClickHouseProcess) -> None:
    said = refusal(ClickHouseProcess(server.path, free_pair()))
    assert f"is in use by process {server.pid}" in said


def test_a_data_folder_of_another_engine_is_refused(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "VERSION").write_text("25.1.2.3\n")
    said = refusal(ClickHouseProcess(tmp_path / "data", free_pair()))
    assert "was made by engine 25.1.2.3" in said


def test_sigterm_lets_inserts_finish_and_cancels_readers(tmp_path: Path) -> None:
    server = ClickHouseProcess(tmp_path / "data", free_pair()).ready()
    try:
        server.ask("CREATE TABLE t (a UInt64) ENGINE = MergeTree ORDER BY a")
        answers: list[int] = []
        slow = "INSERT INTO t SELECT number + sleepEachRow(0.2) FROM numbers(10) SETTINGS max_block_size = 1"
        inserting = threading.Thread(target=lambda: answers.append(server.ask(slow).status))
        inserting.start()
        with start(server, SILENT):
            until(lambda: int(server.ask("SELECT count() FROM system.processes").data) == 3, 10, "both run")
            assert server.stop() == 0
        inserting.join()
        assert answers == [200]
        again = ClickHouseProcess(server.path, free_pair()).ready()
        try:
            assert again.ask("SELECT count() FROM t").data == b"10\n"
        finally:
            again.kill()
    finally:
        server.kill()


def test_sigkill_loses_no_acknowledged_insert(tmp_path: Path) -> None:
    server = ClickHouseProcess(tmp_path / "data", free_pair()).ready()
    acknowledged: list[int] = []
    try:
        server.ask("CREATE TABLE t (a UInt64) ENGINE = MergeTree ORDER BY a")

        def insert() -> None:
            client = server.client()
            try:
                for block in range(10_000):
                    client.insert("t", [[block]] * 100, ["a"])
                    acknowledged.append(block)
            except Exception:  # the server was killed, however the client notices
                return

        inserting = threading.Thread(target=insert)
        inserting.start()
        until(lambda: len(acknowledged) >= 50, 30, "inserts are on their way")
        server.kill()
        inserting.join()
    finally:
        server.kill()
    again = ClickHouseProcess(server.path, free_pair()).ready()
    try:
        stored = again.client().query("SELECT a, count() FROM t GROUP BY a ORDER BY a").result_rows
        assert dict(stored).keys() >= set(acknowledged)
        assert {count for _, count in stored} == {100}
        assert again.stop() == 0
    finally:
        again.kill()


def test_keep_alive_survives_an_error(server: ClickHouseProcess) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", server.port)
    for sql, status in (("SELEC 1", 400), ("SELECT 1", 200), ("INSERT INTO t VALUES (1)", 500), ("SELECT 1", 200)):
        connection.request("POST", "/", body=sql)
        answer = connection.getresponse()
        answer.read()
        assert answer.status == status
