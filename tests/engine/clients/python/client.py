"""A Python client (argument 1) against the server at argument 2, as the writer with the password of argument 3.

Argument 4 is the feature, argument 5 the table. Ends with 1 at a failure.
"""

import asyncio
import importlib
import sys
import threading
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import clickhouse_connect
import clickhouse_connect.dbapi
from clickhouse_connect.driver.exceptions import ClickHouseError
from clickhouse_connect.driver.external import ExternalData

LINES, NUMBERS = 2_000, 5_000_000
ODD, MOST = "it's \\ one\n\tü$x", 18446744073709551615
COLUMNS = ["id", "name", "score", "seen", "at", "tags", "tier", "price", "ok", "uid"]
FAILS_LATE = "SELECT number, throwIf(number = 2000000, 'too far') FROM numbers(3000000) SETTINGS max_block_size = 10000"
ENDLESS = "SELECT count() FROM system.numbers WHERE NOT ignore(sleepEachRow(1)) SETTINGS max_block_size = 1"
COMPRESSIONS = ("lz4", "zstd", "gzip", "br")
TOKYO = ZoneInfo("Asia/Tokyo")

KIND, URL, PASSWORD, FEATURE, TABLE = sys.argv[1:]


def options(**more: Any) -> dict[str, Any]:
    address = urlsplit(URL)
    return {"host": address.hostname, "port": address.port, "username": "writer", "password": PASSWORD, **more}


def line(number: int) -> list[Any]:
    score = number / 8 if number % 2 == 0 else None
    seen = datetime.fromtimestamp(1676369730 + number, TOKYO)
    at = datetime.fromtimestamp(1676369730, UTC) + timedelta(milliseconds=123 + number)
    uid = uuid.UUID(f"00000000-0000-4000-8000-{number:012}")
    tier = "pro" if number % 3 == 0 else "free"
    price = Decimal(10_000 + number) / 10_000
    return [number, f"náme {number}\n\t'\\", score, seen, at, [f"t{number}", ""], tier, price, number % 2 == 0, uid]


def select(begin: int) -> str:
    return f"SELECT * FROM {TABLE} WHERE id >= {begin} ORDER BY id LIMIT {LINES}"


def lines(begin: int) -> list[list[Any]]:
    return [line(begin + number) for number in range(LINES)]


def same(got: Any, begin: int) -> None:
    rows = [list(row) for row in got]
    expected = lines(begin)
    for row in expected:
        row[4] = row[4].replace(tzinfo=None)  # the client's way to show UTC
    assert rows == expected, rows[:2]
    assert str(rows[0][3].tzinfo) == "Asia/Tokyo", rows[0]


# clickhouse-connect


def count(client: Any, sql: str) -> int:
    counted = 0
    with client.query_rows_stream(sql) as stream:
        for row in stream:
            assert row[0] == counted
            counted += 1
    return counted


def is_running(client: Any, query_id: str) -> bool:
    found = client.query("SELECT count() FROM system.processes WHERE query_id = {i:String}", {"i": query_id})
    return bool(found.first_item["count()"])


def tells(error: Exception, code: str) -> None:
    if code not in str(error):
        raise AssertionError(str(error))


def fails(code: str, work: Any) -> None:
    try:
        work()
    except ClickHouseError as error:
        tells(error, code)
        return
    raise AssertionError(f"no error {code}")


def cancelled(client: Any) -> None:
    query_id = str(uuid.uuid4())
    other = clickhouse_connect.get_client(**options())
    seen: list[BaseException] = []

    def run() -> None:
        try:
            fails("394", lambda: other.query(ENDLESS, settings={"query_id": query_id}))
        except BaseException as error:
            seen.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    while not is_running(client, query_id):
        assert thread.is_alive(), seen
    client.command(f"KILL QUERY WHERE query_id = '{query_id}' SYNC")
    thread.join()
    assert not seen, seen


def connect() -> None:
    client = clickhouse_connect.get_client(**options(autogenerate_session_id=False))
    match FEATURE:
        case "ping":
            assert client.ping()
        case "rows":
            client.insert(TABLE, lines(0), COLUMNS)
            same(client.query(select(0)).result_rows, 0)
        case "compressed":
            for part, name in enumerate(COMPRESSIONS):
                packed = clickhouse_connect.get_client(**options(compress=name))
                packed.insert(TABLE, lines(part * LINES), COLUMNS)
                same(packed.query(select(part * LINES)).result_rows, part * LINES)
        case "parameters":
            got = client.query("SELECT {text:String}, {most:UInt64}", {"text": ODD, "most": MOST})
            assert got.result_rows == [(ODD, MOST)], got.result_rows
        case "streamed":
            assert count(client, f"SELECT number FROM numbers({NUMBERS})") == NUMBERS
        case "error":
            fails("47", lambda: client.query("SELECT nope"))
        case "late error":
            fails("too far", lambda: count(client, FAILS_LATE))
        case "cancelled":
            cancelled(client)
        case "session":
            kept = clickhouse_connect.get_client(**options(session_id=str(uuid.uuid4())))
            kept.command("CREATE TEMPORARY TABLE kept (a UInt8)")
            kept.insert("kept", [[7]], ["a"])
            assert kept.query("SELECT a FROM kept").result_rows == [(7,)]
        case "external":
            sent = ExternalData(file_name="sent", fmt="CSV", structure="a UInt8", data=b"7\n")
            assert client.query("SELECT a FROM sent", external_data=sent).result_rows == [(7,)]


# clickhouse-connect, its asyncio client


async def connect_async() -> None:
    async with await clickhouse_connect.get_async_client(**options(autogenerate_session_id=False)) as client:
        match FEATURE:
            case "ping":
                assert await client.ping()
            case "rows":
                await client.insert(TABLE, lines(0), COLUMNS)
                same((await client.query(select(0))).result_rows, 0)
            case "parameters":
                got = await client.query("SELECT {text:String}, {most:UInt64}", {"text": ODD, "most": MOST})
                assert got.result_rows == [(ODD, MOST)], got.result_rows
            case "streamed":
                counted = 0
                async with await client.query_rows_stream(f"SELECT number FROM numbers({NUMBERS})") as stream:
                    async for row in stream:
                        assert row[0] == counted
                        counted += 1
                assert counted == NUMBERS
            case "error":
                await fails_async("47", client.query("SELECT nope"))
            case "late error":
                await fails_async("too far", client.query(FAILS_LATE))
            case "cancelled":
                await cancelled_async(client)


async def fails_async(code: str, work: Any) -> None:
    try:
        await work
    except ClickHouseError as error:
        tells(error, code)
        return
    raise AssertionError(f"no error {code}")


async def cancelled_async(client: Any) -> None:
    query_id = str(uuid.uuid4())
    watching = clickhouse_connect.get_client(**options())
    task = asyncio.create_task(client.query(ENDLESS, settings={"query_id": query_id}))
    while not await asyncio.to_thread(is_running, watching, query_id):
        assert not task.done(), task
    task.cancel()
    while await asyncio.to_thread(is_running, watching, query_id):
        continue


# connectorx and polars, which only read


def frames() -> Iterator[Any]:
    """Yield what reads a query into a frame of polars, by the kind of client."""
    polars = importlib.import_module("polars")
    if KIND == "polars":
        client = clickhouse_connect.get_client(**options())
        yield lambda sql: polars.read_database(sql, clickhouse_connect.dbapi.connect(**options()))
        yield lambda sql: polars.from_arrow(client.query_arrow(sql))
    else:
        address = urlsplit(URL)
        # Without a password: connectorx does not undo the percent-encoding of one.
        uri = f"clickhouse://reader@{address.hostname}:{address.port}/default"
        yield lambda sql: polars.read_database_uri(sql, uri, engine="connectorx")


def read_frames() -> None:
    fill = clickhouse_connect.get_client(**options())
    if FEATURE == "rows":
        fill.insert(TABLE, lines(0), COLUMNS)
    for read in frames():
        if FEATURE == "rows":
            got = read(f"SELECT id, name, score, tier, ok FROM {TABLE} ORDER BY id")
            expected = [(row[0], row[1], row[2], row[6], row[8]) for row in lines(0)]
            assert got.rows() == expected, got.rows()[:3]
        elif FEATURE == "streamed":
            got = read(f"SELECT number FROM numbers({NUMBERS})")
            assert (got.height, got["number"].sum()) == (NUMBERS, NUMBERS * (NUMBERS - 1) // 2), got
        elif FEATURE == "error":
            try:
                read("SELECT nope")
            except Exception as error:  # each library has its own
                tells(error, "nope")
            else:
                raise AssertionError("no error")


if KIND == "connect":
    connect()
elif KIND == "connect-async":
    asyncio.run(connect_async())
else:
    read_frames()
