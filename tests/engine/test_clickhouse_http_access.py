"""Who may do what on the embedded ClickHouse: the reader can only read, whatever it tries."""

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from clickhouse_connect.driver.exceptions import DatabaseError
from clickhouse_connect.driver.external import ExternalData

from streams.embedded.ports import free_pair
from tests.support.clickhouse_http import PASSWORD, ClickHouseProcess

REFUSED = {"164", "497"}  # READONLY, ACCESS_DENIED


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClickHouseProcess]:
    process = ClickHouseProcess(tmp_path_factory.mktemp("clickhouse") / "data", free_pair())
    try:
        process.ready()
        client = process.client()
        client.command("CREATE TABLE t (a UInt8) ENGINE = MergeTree ORDER BY a")
        client.command("INSERT INTO t VALUES (1)")
        yield process
    finally:
        process.kill()


def code(server: ClickHouseProcess, sql: str, **options: Any) -> str:
    return str(server.ask(sql, user="reader", **options).headers.get("X-ClickHouse-Exception-Code", ""))


@pytest.mark.parametrize(
    "sql",
    [
        "INSERT INTO t VALUES (2)",
        "INSERT INTO t FORMAT CSV\n2",
        "INSERT INTO t SELECT 2",
        "INSERT INTO FUNCTION file('out.csv') SELECT 1",
        "INSERT INTO FUNCTION null('a UInt8') SELECT 1",
        "CREATE TABLE u (a UInt8) ENGINE = Memory",
        "CREATE TEMPORARY TABLE u (a UInt8)",
        "CREATE TABLE u ENGINE = URL('http://127.0.0.1:1/', CSV) AS SELECT 1",
        "CREATE VIEW v AS SELECT 1",
        "CREATE DATABASE d",
        "CREATE FUNCTION f AS x -> x",
        "CREATE USER u",
        "GRANT ALL ON *.* TO default",
        "ALTER TABLE t DELETE WHERE 1",
        "ALTER TABLE t ADD COLUMN b UInt8",
        "DELETE FROM t WHERE 1",
        "UPDATE t SET a = 2 WHERE 1",
        "DROP TABLE t",
        "TRUNCATE TABLE t",
        "DETACH TABLE t",
        "RENAME TABLE t TO u",
        "OPTIMIZE TABLE t FINAL",
        "SYSTEM FLUSH LOGS",
        "SYSTEM SHUTDOWN",
        "KILL QUERY WHERE 1",
        "KILL MUTATION WHERE 1",
        "BACKUP TABLE t TO File('b')",
        "SET readonly = 0",
        "SET ROLE writer",
        "SET ROLE ALL",
        "SET ROLE DEFAULT",
        "EXECUTE AS default DROP TABLE t",
        "USE system",
        "BEGIN TRANSACTION",
        "SELECT 1 INTO OUTFILE 'out.csv'",
        "SELECT 1 INTO OUTFILE 'out.csv' FORMAT CSV",
        "EXPLAIN SELECT 1 INTO OUTFILE 'out.csv'",
        "(SELECT 1) INTO OUTFILE 'out.csv'",
        "SELECT 1 SETTINGS readonly = 0",
    ],
)
def test_the_reader_can_not_write(server: ClickHouseProcess, sql: str) -> None:
    assert code(server, sql) in REFUSED
    assert server.ask("SELECT groupArray(a) FROM t").data == b"[1]\n"


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 1; DROP TABLE t",
        "SELECT 1;\nSET ROLE writer;\nDROP TABLE t",
        "SELECT 1 /* ; */; INSERT INTO t VALUES (2)",
        "SELECT {p:UInt8}; DROP TABLE t",
        "SELEC 1; DROP TABLE t",
        "SELECT " + "1," * 200_000 + "1; SET ROLE writer; DROP TABLE t",
    ],
)
def test_the_reader_may_send_one_statement_per_request(server: ClickHouseProcess, sql: str) -> None:
    assert code(server, sql, parameters={"param_p": "1", "max_query_size": "100000000"}) in {*REFUSED, "62"}
    assert server.ask("SELECT groupArray(a) FROM t").data == b"[1]\n"


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM file('/etc/passwd', LineAsString)",
        "DESCRIBE file('/etc/passwd', LineAsString)",
        "SELECT * FROM url('http://127.0.0.1:1/', LineAsString)",
        "SELECT * FROM s3('http://127.0.0.1:1/bucket/key', CSV, 'a String')",
        "SELECT * FROM remote('127.0.0.1', system.one)",
        "SELECT * FROM remoteSecure('127.0.0.1', system.one)",
        "SELECT * FROM mysql('127.0.0.1:1', 'd', 't', 'u', 'p')",
        "SELECT * FROM postgresql('127.0.0.1:1', 'd', 't', 'u', 'p')",
        "SELECT * FROM mongodb('127.0.0.1:1', 'd', 't', 'u', 'p', 'a String')",
        "SELECT * FROM redis('127.0.0.1:1', 'k', 'k String')",
        "SELECT * FROM sqlite('/tmp/x.db', 't')",
        "SELECT * FROM executable('x.sh', CSV, 'a String')",
        "SELECT * FROM filesystem('/etc')",
        "SELECT * FROM format(Values, 'a String', $$(file('/etc/passwd'))$$)",
        "WITH x AS (SELECT * FROM file('/etc/passwd', LineAsString)) SELECT * FROM x",
        "SELECT * FROM view(SELECT * FROM file('/etc/passwd', LineAsString))",
        "SELECT 1 WHERE 'x' IN (SELECT * FROM file('/etc/passwd', LineAsString))",
        "SELECT file('/etc/passwd')",
        "SELECT arrayMap(file, ['/etc/passwd'])",
        "SELECT * APPLY file FROM (SELECT '/etc/passwd')",
        "SELECT b FROM generateRandom('a UInt8, b String ALIAS file(\\'/etc/passwd\\')') LIMIT 1",
        "SELECT 1 SETTINGS additional_result_filter = 'file(\\'/etc/passwd\\') != \\'\\''",
    ],
)
def test_the_reader_can_not_reach_anything_outside(server: ClickHouseProcess, sql: str) -> None:
    assert code(server, sql) in REFUSED


def test_the_reader_can_not_see_python_objects(server: ClickHouseProcess) -> None:
    assert code(server, "SELECT * FROM python('os')") in {*REFUSED, "801"}  # PY_OBJECT_NOT_FOUND


@pytest.mark.parametrize("name", ["aiGenerate", "aiEmbed", "AIGenerate"])
def test_the_reader_can_not_call_a_service(server: ClickHouseProcess, name: str) -> None:
    assert code(server, f"SELECT {name}('x', 'y')") in {*REFUSED, "42"}


@pytest.mark.parametrize("setting", [{"readonly": "0"}, {"readonly": "1"}, {"dialect": "kusto"}])
def test_settings_give_the_reader_no_more_rights(server: ClickHouseProcess, setting: dict[str, str]) -> None:
    assert code(server, "SELECT 1", parameters=setting) in {*REFUSED, "452"}
    assert code(server, "INSERT INTO t VALUES (2)", parameters=setting) in {*REFUSED, "452"}


@pytest.mark.parametrize(
    "structure",
    ["a UInt8) ENGINE = URL('http://127.0.0.1:1/', CSV", "a UInt8); SET ROLE writer; DROP TABLE t; SELECT (1"],
)
def test_external_data_gives_the_reader_no_more_rights(server: ClickHouseProcess, structure: str) -> None:
    external = ExternalData(file_name="e", data=b"1\n", fmt="CSV", structure=structure)
    with pytest.raises(DatabaseError):
        server.client("reader").query("SELECT * FROM e", external_data=external)
    assert server.ask("SELECT count() FROM t").data == b"1\n"


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT count() FROM t",
        "SELECT * FROM numbers(3)",
        "SELECT * FROM values('a UInt8', 1, 2)",
        "SELECT * FROM view(SELECT 1)",
        "SELECT * FROM merge('default', '^t$')",
        "SELECT * FROM generateRandom('a UInt8') LIMIT 1",
        "SELECT * FROM generateSeries(1, 3)",
        "SHOW TABLES",
        "SHOW CREATE TABLE t",
        "DESCRIBE t",
        "EXPLAIN SELECT 1",
        "EXISTS TABLE t",
        "SELECT sum(a) FROM t SETTINGS max_threads = 1, max_execution_time = 5",
        "SELECT 'DROP TABLE t; INSERT' -- ; DROP TABLE t",
    ],
)
def test_the_reader_can_read(server: ClickHouseProcess, sql: str) -> None:
    assert server.ask(sql, user="reader").status == 200


def test_a_get_changes_nothing(server: ClickHouseProcess) -> None:
    got = server.ask(method="GET", parameters={"query": "DROP TABLE t"})
    assert got.headers["X-ClickHouse-Exception-Code"] == "164"


def test_credentials_are_accepted_in_every_supported_place(server: ClickHouseProcess) -> None:
    right = base64.b64encode(f"writer:{PASSWORD}".encode()).decode()
    in_places: list[dict[str, Any]] = [
        {"headers": {"Authorization": f"Basic {right}"}},
        {"parameters": {"user": "writer", "password": PASSWORD}},
        {"headers": {"X-ClickHouse-User": "writer", "X-ClickHouse-Key": PASSWORD}},
    ]
    for place in in_places:
        assert server.ask("CREATE TABLE IF NOT EXISTS w (a UInt8) ENGINE = Memory", user=None, **place).status == 200
    nobodies: list[dict[str, Any]] = [{}, {"headers": {"X-ClickHouse-User": "default"}}]
    for nobody in nobodies:
        assert server.ask("SELECT 1", user=None, **nobody).status == 200
        assert server.ask("DROP TABLE w", user=None, **nobody).headers["X-ClickHouse-Exception-Code"] == "164"


@pytest.mark.parametrize(
    "headers",
    [
        {"X-ClickHouse-User": "writer", "X-ClickHouse-Key": "wrong"},
        {"X-ClickHouse-User": "writer"},
        {"X-ClickHouse-User": "reader", "X-ClickHouse-Key": PASSWORD},
        {"X-ClickHouse-User": "nobody"},
        {"X-ClickHouse-Key": PASSWORD},
        {"Authorization": "Bearer x"},
        {"Authorization": "Basic !"},
    ],
)
def test_wrong_credentials_are_refused(server: ClickHouseProcess, headers: dict[str, str]) -> None:
    got = server.ask("SELECT 1", user=None, headers=headers)
    assert (got.status, got.headers["X-ClickHouse-Exception-Code"]) == (403, "516")


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Host": "evil.example"},
        {"Host": "127.0.0.1.evil.example:8123"},
    ],
)
def test_requests_from_other_web_pages_are_refused(server: ClickHouseProcess, headers: dict[str, str]) -> None:
    for path in ("SELECT 1", ""):
        got = server.ask(path, headers=headers)
        assert (got.status, got.data.count(b"\n")) == (403, 1)


def test_requests_from_our_own_page_are_accepted(server: ClickHouseProcess) -> None:
    host = f"127.0.0.1:{server.port}"
    assert server.ask("SELECT 1", headers={"Origin": f"http://{host}", "Host": host}).status == 200
    assert server.ask("SELECT 1", headers={"Host": f"localhost:{server.port}"}).status == 200


def test_no_payload_is_logged(server: ClickHouseProcess) -> None:
    server.ask("SELECT 'a secret of someone' AS x FROM nope.nope")
    log = Path(server.log).read_text()
    assert "query_finished" in log
    assert "a secret of someone" not in log
