"""Named sessions, KILL QUERY, query_log and the reader's limits, as clients know them from a server."""

import http.client
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from streams.embedded.components import http_get
from streams.embedded.ports import LOOPBACK, Address, free_pair
from tests.support.clickhouse_http import ClickHouseProcess
from tests.support.wait import until

SLOW = "SELECT sleepEachRow(1) FROM numbers(60) SETTINGS max_block_size = 1"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClickHouseProcess]:
    process = ClickHouseProcess(tmp_path_factory.mktemp("clickhouse") / "data", free_pair())
    try:
        yield process.ready()
    finally:
        process.kill()


def code(got: Any) -> str:
    return str(got.headers.get("X-ClickHouse-Exception-Code", ""))


def within(server: ClickHouseProcess, name: str, sql: str, user: str = "writer", **parameters: str) -> Any:
    return server.ask(sql, user=user, parameters={"session_id": name, **parameters})


def test_a_temporary_table_lives_for_its_session_and_has_0_rows(server: ClickHouseProcess) -> None:
    assert within(server, "t1", "CREATE TEMPORARY TABLE tt (a UInt8)").status == 200
    assert within(server, "t1", "SELECT count() FROM tt").data == b"0\n"
    assert within(server, "t1", "INSERT INTO tt FORMAT CSV\n5\n").status == 200
    assert within(server, "t1", "SELECT a FROM tt").data == b"5\n"
    assert code(within(server, "t2", "SELECT a FROM tt")) == "60"
    assert code(within(server, "t1", "SELECT a FROM tt", user="reader")) in ("60", "497")
    assert server.ask("SELECT a FROM tt").status != 200


def test_set_lives_for_its_session_and_reads_123(server: ClickHouseProcess) -> None:
    assert within(server, "s1", "SET max_block_size = 123").status == 200
    assert within(server, "s1", "SELECT getSetting('max_block_size')").data == b"123\n"
    assert within(server, "s2", "SELECT getSetting('max_block_size')").data != b"123\n"
    assert within(server, "s1", "SELECT getSetting('max_block_size')", max_block_size="77").data == b"77\n"
    assert within(server, "s1", "SELECT getSetting('max_block_size')").data == b"123\n"


def test_use_lives_for_its_session_but_a_database_in_the_url_for_its_request(server: ClickHouseProcess) -> None:
    assert within(server, "u1", "USE system", database="default").status == 200
    assert within(server, "u1", "SELECT currentDatabase()").data == b"system\n"
    assert within(server, "u1", "SELECT currentDatabase()", database="default").data == b"default\n"
    assert within(server, "u1", "SELECT currentDatabase()").data == b"system\n"


def test_parameters_of_one_request_are_gone_in_the_next(server: ClickHouseProcess) -> None:
    within(server, "p1", "SET max_threads = 1")
    assert within(server, "p1", "SELECT {a:UInt8}", param_a="4").data == b"4\n"
    assert code(within(server, "p1", "SELECT {a:UInt8}")) == "456"
    assert within(server, "p1", "SET param_b = 6").status == 200
    assert within(server, "p1", "SELECT {b:UInt8}").data == b"6\n"


def test_a_session_that_is_not_there_is_372(server: ClickHouseProcess) -> None:
    assert code(within(server, "nope", "SELECT 1", session_check="1")) == "372"
    assert within(server, "there", "SELECT 1").status == 200
    assert within(server, "there", "SELECT 1", session_check="1").status == 200
    assert within(server, "there", "SELECT 1", close_session="1").status == 200
    assert code(within(server, "there", "SELECT 1", session_check="1")) == "372"


def test_a_session_ends_after_its_timeout(server: ClickHouseProcess) -> None:
    assert within(server, "short", "CREATE TEMPORARY TABLE tt (a UInt8)", session_timeout="1").status == 200
    assert within(server, "short", "SELECT count() FROM tt", session_timeout="0").status == 200
    until(lambda: code(within(server, "short", "SELECT 1", session_check="1")) == "372", 10, "the session has ended")
    for wrong in ("3601", "-1", "soon"):
        assert code(within(server, "short", "SELECT 1", session_timeout=wrong)) == "374"


def test_a_session_in_use_is_373_and_free_when_its_answer_has_arrived(server: ClickHouseProcess) -> None:
    slow = threading.Thread(target=within, args=(server, "busy", SLOW), kwargs={"query_id": "busy-1"})
    slow.start()
    until(lambda: code(within(server, "busy", "SELECT 1")) == "373", 10, "the session is in use")
    assert within(server, "busy", "SELECT 1", user="reader").status == 200  # another user's session of that name
    server.ask("KILL QUERY WHERE query_id = 'busy-1' SYNC")
    slow.join()
    for _ in range(50):  # never 373 once the answer is there, streamed ones included
        assert within(server, "busy", "SELECT 1").status == 200
        assert within(server, "busy", "SELECT repeat('x', 1000) FROM numbers(2000)").status == 200


def test_a_reader_may_set_and_use_in_its_session_but_gets_no_more_rights(server: ClickHouseProcess) -> None:
    server.ask("CREATE TABLE IF NOT EXISTS kept (a UInt8) ENGINE = MergeTree ORDER BY a")
    assert within(server, "r1", "SET max_block_size = 5", user="reader").status == 200
    assert within(server, "r1", "SELECT getSetting('max_block_size')", user="reader").data == b"5\n"
    for sql in (
        "SET readonly = 0",
        "SET ROLE writer",
        "SET ROLE DEFAULT",
        "SET DEFAULT ROLE writer TO default",
        "SET dialect = 'prql'",
        "SET max_memory_usage = 0",
        "SET max_execution_time = 100000",
        "INSERT INTO kept VALUES (1)",
        "DROP TABLE kept",
        "CREATE TEMPORARY TABLE x (a UInt8)",
        "SELECT * FROM file('/etc/passwd', LineAsString)",
    ):
        assert code(within(server, "r1", sql, user="reader")) in {"164", "497", "452"}, sql
    assert server.ask("SELECT count() FROM kept").data == b"0\n"


def test_a_get_in_a_writers_session_changes_nothing(server: ClickHouseProcess) -> None:
    server.ask("CREATE TABLE IF NOT EXISTS kept (a UInt8) ENGINE = MergeTree ORDER BY a")
    within(server, "g1", "SET max_threads = 1")
    for readonly in ({}, {"readonly": "1"}):
        got = server.ask(method="GET", parameters={"session_id": "g1", "query": "DROP TABLE kept", **readonly})
        assert code(got) == "164"
    assert within(server, "g1", "SELECT getSetting('max_threads')").data == b"1\n"
    assert within(server, "g1", "DROP TABLE kept").status == 200


# KILL QUERY


class Query:
    """A slow query that runs under an id; `end` waits for it and returns its answer."""

    def __init__(self, server: ClickHouseProcess, query_id: str, user: str, sql: str = SLOW, **parameters: str) -> None:
        self._server = server
        self._answer: Any = None
        sent = {"query_id": query_id, **parameters}
        self._thread = threading.Thread(target=self._run, args=(sql, user, sent))
        self._thread.start()
        until(lambda: running(server, query_id) == b"1\n", 20, "the query runs under its own id")

    def _run(self, sql: str, user: str, parameters: dict[str, str]) -> None:
        self._answer = self._server.ask(sql, user=user, parameters=parameters)

    def end(self) -> Any:
        self._thread.join()
        return self._answer


def running(server: ClickHouseProcess, query_id: str) -> bytes:
    return bytes(server.ask(f"SELECT count() FROM system.processes WHERE query_id = '{query_id}'").data)


@pytest.mark.parametrize("user", ["writer", "reader"])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"sql": "SELECT sleepEachRow({s:Float64}) FROM numbers(60) SETTINGS max_block_size = 1", "param_s": "1"},
        {"sql": "SELECT sleepEachRow(1) FROM numbers(60) SETTINGS max_block_size = 1 FORMAT JSON"},
        {"sql": "SELECT sleepEachRow(1) FROM numbers(60) SETTINGS max_block_size = 1 FORMAT Native"},
        {"sql": SLOW + " FORMAT Native", "client_protocol_version": "54460"},
    ],
)
def test_kill_by_the_clients_query_id_ends_the_query_with_394(
    server: ClickHouseProcess, user: str, options: dict[str, str]
) -> None:
    query = Query(server, "mine-1", user, **options)
    killed = server.ask("KILL QUERY WHERE query_id = 'mine-1' SYNC FORMAT TSV", user=user)
    assert killed.data.startswith(b"finished\tmine-1\t" + user.encode() + b"\tSELECT")
    got = query.end()
    assert (code(got) == "394") or b"Code: 394." in got.data
    assert running(server, "mine-1") == b"0\n"


def test_a_reader_kills_only_its_own_query_and_only_by_id(server: ClickHouseProcess) -> None:
    query = Query(server, "theirs", "writer")
    assert server.ask("KILL QUERY WHERE query_id = 'theirs' SYNC", user="reader").data == b""
    assert server.ask("KILL QUERY WHERE query_id = 'x' OR 1 SYNC", user="reader").data == b""
    assert code(server.ask("KILL QUERY WHERE 1", user="reader")) == "164"
    assert code(server.ask("KILL QUERY WHERE query_id = 'x'; DROP TABLE t", user="reader")) == "62"
    assert code(server.ask("KILL QUERY WHERE query_id = 'x') OR (1", user="reader")) == "62"
    for trick in ("query_id = 'x' INTO OUTFILE 'x.csv'", "query_id = 'x' FORMAT TSV INTO OUTFILE 'x.csv'"):
        assert code(server.ask(f"KILL QUERY WHERE {trick}", user="reader")) == "62"
    assert code(server.ask("KILL MUTATION WHERE 1", user="reader")) == "164"
    assert running(server, "theirs") == b"1\n"
    assert b"theirs" in server.ask("KILL QUERY WHERE user = 'writer' AND query LIKE '%sleepEachRow%' TEST").data
    assert running(server, "theirs") == b"1\n"
    server.ask("KILL QUERY WHERE user = 'writer' AND query LIKE '%sleepEachRow%'")
    assert code(query.end()) == "394"


def test_an_insert_can_be_killed_and_stores_nothing(server: ClickHouseProcess) -> None:
    server.ask("CREATE OR REPLACE TABLE slow (a UInt64) ENGINE = MergeTree ORDER BY a")
    sql = "INSERT INTO slow SELECT x + sleepEachRow(1) FROM input('x UInt64') SETTINGS max_block_size = 1 FORMAT CSV\n"
    query = Query(server, "insert-1", "writer", sql + "1\n" * 60)
    server.ask("KILL QUERY WHERE query_id = 'insert-1' SYNC")
    assert code(query.end()) == "394"
    assert server.ask("SELECT count() FROM slow").data == b"0\n"


def test_a_second_query_of_the_same_id_is_216_unless_it_replaces_the_first(server: ClickHouseProcess) -> None:
    query = Query(server, "same", "writer")
    assert code(server.ask("SELECT 1", parameters={"query_id": "same"})) == "216"
    assert server.ask("SELECT 1", parameters={"query_id": "same", "replace_running_query": "1"}).data == b"1\n"
    assert code(query.end()) == "394"


def test_processes_show_the_clients_ids_users_and_texts(server: ClickHouseProcess) -> None:
    query = Query(server, "shown", "reader", SLOW + " FORMAT JSON")
    rows = server.ask("SELECT user, query FROM system.processes AS p WHERE p.query_id = 'shown'").data
    assert rows == b"reader\tSELECT sleepEachRow(1) FROM numbers(60) SETTINGS max_block_size = 1 FORMAT JSON\n"
    listed = server.ask("SHOW PROCESSLIST FORMAT JSONEachRow").data
    assert b'"query_id":"shown"' in listed
    server.ask("KILL QUERY WHERE query_id = 'shown' SYNC")
    query.end()


# query_log


def test_query_log_has_a_query_by_its_clients_id_with_its_text_and_rows(server: ClickHouseProcess) -> None:
    sent = {"query_id": "logged", "log_comment": "why", "param_n": "10"}
    server.ask("SELECT number FROM numbers({n:UInt64})", user="reader", parameters=sent)
    server.ask("INSERT INTO FUNCTION null('a UInt8') FORMAT CSV\n1\n2\n", parameters={"query_id": "logged-2"})
    server.ask("SYSTEM FLUSH LOGS")
    found = server.ask(
        "SELECT query_id, user, query, written_rows, log_comment, Settings['log_comment'] FROM system.query_log"
        " WHERE query_id LIKE 'logged%' AND type = 'QueryFinish' ORDER BY query_id FORMAT TSVRaw"
    )
    assert found.data.decode().splitlines() == [
        "logged\treader\tSELECT number FROM numbers(_CAST(10, 'UInt64'))\t0\twhy\twhy",
        "logged-2\twriter\tINSERT INTO FUNCTION null('a UInt8')  FORMAT `CSV`\t2\t\t",
    ]


# Limits


@pytest.mark.parametrize(
    ("sql", "parameters"),
    [
        ("SELECT 1", {"max_memory_usage": "0"}),
        ("SELECT 1", {"max_memory_usage": "8000000000"}),
        ("SELECT 1 SETTINGS max_memory_usage = 0", {}),
        ("SELECT * FROM (SELECT 1 SETTINGS `max_memory_usage` = '8000000000')", {}),
        ("SELECT 1", {"max_execution_time": "0"}),
        ("SELECT 1 SETTINGS max_execution_time = 301", {}),
        ("SELECT 1 SETTINGS max_execution_time = {t:UInt64}", {"param_t": "999"}),
        ("SELECT 1", {"max_untracked_memory": "1000000000000"}),
    ],
)
def test_a_reader_can_not_raise_its_limits(server: ClickHouseProcess, sql: str, parameters: dict[str, str]) -> None:
    assert code(server.ask(sql, user="reader", parameters=parameters)) == "452"


def test_a_reader_has_4_gb_and_60_seconds_and_may_take_less_or_300_seconds(server: ClickHouseProcess) -> None:
    limits = "SELECT getSetting('max_memory_usage'), getSetting('max_execution_time')"
    assert server.ask(limits, user="reader").data == b"4000000000\t60\n"
    less = {"max_execution_time": "300", "max_memory_usage": "1000000"}
    assert server.ask(limits, user="reader", parameters=less).data == b"1000000\t300\n"
    assert server.ask("SELECT 1 SETTINGS max_execution_time = 300", user="reader").status == 200
    greedy = "SELECT arraySort(groupArray(number)) FROM numbers(100000000)"
    assert code(server.ask(greedy, user="reader", parameters={"max_memory_usage": "100000000"})) == "241"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a file that is always full")
def test_a_log_that_can_not_be_written_costs_no_answer(tmp_path: Path) -> None:
    port = free_pair()
    argv = [sys.executable, "-m", "streams.embedded.clickhouse", "--port", str(port), "--path", str(tmp_path / "data")]
    with Path("/dev/full").open("w") as full, subprocess.Popen(argv, stdout=full, stderr=full) as process:
        try:
            until(lambda: http_get(Address(LOOPBACK, port), "/ping") is not None, 60, "the server answers")
            for sql, status in (("SELECT 1", 200), ("SELEC", 400), ("INSERT INTO t VALUES (1)", 500)) * 5:
                connection = http.client.HTTPConnection(LOOPBACK, port)
                connection.request("POST", "/", body=sql)
                assert connection.getresponse().status == status
        finally:
            process.terminate()
