"""The read API's statements on the real engine: what they answer, and that they read nobody else's partition."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from typing import Any, TypeVar

import orjson
import pytest

from bench.reads import rows
from streams.collector.reads import positions, statements
from streams.collector.reads.errors import AwayError, CostlyError
from streams.collector.reads.pool import CONNECTIONS, Pool
from streams.collector.reads.rows import Row
from streams.collector.reads.statements import NEWEST, PAGE, SEEN, TOP
from streams.collector.reads.timeline import MOST, Rows
from streams.core.partitioner import partition_of
from streams.settings import Settings
from streams.sink.feeds import IMPRESSIONS, USER_ARTWORKS
from tests.support.clickhouse import Engine, running_engine
from tests.support.database import Database, migrated
from tests.support.reads import turn
from tests.support.rows import T0, accepted

PARTITIONS = 4
MANY, MANY_USERS = 200_000, 2_000
# On a busy machine an answer may take long.
SECONDS = 60.0
T = TypeVar("T")


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    with running_engine(tmp_path_factory.mktemp("reads")) as engine:
        yield engine


@pytest.fixture(scope="module")
def db(engine: Engine) -> Database:
    """One database for all tests: each has users, and a partition, of its own."""
    return migrated(engine, "reads")


def row(user_id: str, number: int, partition: int, **more: Any) -> dict[str, Any]:
    """The number-th impression of a user."""
    more = {"event_id": f"{number:032x}", "surface": "gallery", **more}
    return accepted(user_id, f"a{number}", more.pop("seen_at", T0 + number), number, partition, **more)


def expected(row: dict[str, Any]) -> Row:
    return Row(**{name: row[name] for name in Row.__struct_fields__})


def pooled(engine: Engine, db: Database, work: Callable[[Pool], Coroutine[Any, Any, T]], **more: object) -> T:
    """Do some work with a pool of the read-only user."""

    async def do() -> T:
        pool = Pool(engine.settings(clickhouse_database=db.name, **{"reads_timeout_seconds": SECONDS, **more}))
        await pool.start()
        try:
            return await work(pool)
        finally:
            await pool.stop()

    return asyncio.run(do())


def ask(engine: Engine, db: Database, statement: str, parameters: dict[str, str]) -> bytes:
    return pooled(engine, db, lambda pool: pool.ask(statement, parameters))


def test_what_users_have_seen_and_their_last_hour(engine: Engine, db: Database) -> None:
    mine = [row("u1", n, 11, fresh=n != 2) for n in range(4)]
    db.put.accepted(*mine, row("u2", 9, 11))
    db.put.accepted(*mine[1:])
    users = statements.users(11, ["u1", "u3"])
    found = statements.read_seen(ask(engine, db, SEEN, users | {"since": str(T0 + 1)}))
    assert found.keys() == {"u1"}
    assert set(found["u1"].artworks) == {(f"a{n}", T0 + n + 200) for n in (0, 1, 3)}
    assert set(found["u1"].recent) == {(f"{n:032x}", T0 + n, f"a{n}") for n in (2, 3)}


def test_the_newest_rows_of_users_in_the_order_of_their_timelines(engine: Engine, db: Database) -> None:
    many = [row("u1", n, 12) for n in range(MOST + 50)]
    few = [row("u2", n, 12) for n in range(3)]
    db.put.accepted(*many, *few)
    users = statements.users(12, ["u1", "u2"])
    found = statements.read_newest(ask(engine, db, NEWEST, users | {"most": str(MOST)}))
    assert found["u1"] == Rows([expected(each) for each in many[: -MOST - 1 : -1]], True)
    assert found["u2"] == Rows([expected(each) for each in few[::-1]], False)


def test_pages_go_through_a_history_once_although_rows_are_there_twice(engine: Engine, db: Database) -> None:
    mine = [row("u1", n, 13, seen_at=T0 + n // 3) for n in range(20)]
    db.put.accepted(*mine)
    db.put.accepted(*mine[5:15])
    key, read = TOP, list[Row]()
    while page := statements.read_rows(ask(engine, db, PAGE, statements.page(13, "u1", key, 7))):
        read += page
        key = page[-1].key
    assert read == [expected(each) for each in mine[::-1]]
    before = statements.page(13, "u1", (T0 + 2, ""), 50)
    assert statements.read_rows(ask(engine, db, PAGE, before)) == [expected(each) for each in mine[5::-1]]


def test_the_newest_offset_of_each_partition_of_a_log(engine: Engine, db: Database) -> None:
    one, other = 21, 38
    db.put.accepted(*(row("u1", n, one, kafka_topic_id="mine") for n in range(10)))
    db.put.accepted(*(row("u2", n, other, kafka_topic_id="mine") for n in range(7)))

    def positions_of(topic_id: str, known: int) -> dict[int, int]:
        every = dict.fromkeys(range(20, 40), 0) | {one: known}
        return {n: at for n, at in pooled(engine, db, lambda pool: positions.ask(pool, topic_id, every)).items() if at}

    assert positions_of("mine", 0) == {one: 10, other: 7}
    assert positions_of("mine", 10) == {one: 10, other: 7}
    assert positions_of("mine", 11) == {other: 7}
    assert positions_of("another", 0) == {}


@pytest.fixture(scope="module")
def full(db: Database) -> Database:
    """Users in four partitions, each of which is one part of several granules."""
    rows.make(db.put.client, db.name, MANY, MANY_USERS, T0, lambda _: None)
    for table in (IMPRESSIONS, USER_ARTWORKS):
        db.put.client.command(f"OPTIMIZE TABLE {db.name}.{table.name} FINAL")
    return db


USER = f"r{MANY_USERS - 1}"  # who has the newest offset
PARTITION = partition_of(USER, PARTITIONS)
QUERIES = {
    "seen": (SEEN, statements.users(PARTITION, [USER]) | {"since": "0"}),
    "newest": (NEWEST, statements.users(PARTITION, [USER]) | {"most": "100"}),
    "page": (PAGE, statements.page(PARTITION, USER, TOP, 50)),
    "positions": (statements.positions({PARTITION: MANY}), {"topic_id": "filled"}),
}


def test_the_users_of_the_plans_are_in_their_partitions(full: Database) -> None:
    ((count, partitions, newest),) = full.rows(
        "SELECT count(), groupUniqArray(kafka_partition), max(kafka_offset) FROM impressions_raw "
        "WHERE user_id = {u:String}",
        u=USER,
    )
    assert (count, partitions, newest) == (MANY // MANY_USERS, [PARTITION], MANY - 1)


@pytest.mark.parametrize("name", QUERIES)
def test_one_partition_is_read_and_of_it_the_granules_of_the_user(full: Database, name: str) -> None:
    statement, parameters = QUERIES[name]
    query = statement.replace("{db}", full.name)
    ((plan,),) = full.rows(f"EXPLAIN json = 1, indexes = 1 {query}", **values(parameters))
    reads = list(found_reads(orjson.loads(plan)))
    assert len(reads) == (2 if name == "seen" else 1)
    parts = full.rows(
        "SELECT table, sum(marks) FROM system.parts WHERE active AND database = {db:String} AND partition = {p:String} "
        "GROUP BY table",
        db=full.name,
        p=str(PARTITION),
    )
    marks = {str(table): int(count) for table, count in parts}
    for read in reads:
        last = read["Indexes"][-1]
        assert last["Selected Parts"] == 1
        assert last["Selected Granules"] <= 2 < pruned_to(read)
        assert pruned_to(read) <= marks[read["Description"].rsplit(".", 1)[1]]


def pruned_to(read: dict[str, Any]) -> int:
    """How many granules are left when a plan has chosen the table's partition."""
    return int(next(each for each in read["Indexes"] if each["Type"] in ("MinMax", "Min-Max"))["Selected Granules"])


def values(parameters: dict[str, str]) -> dict[str, Any]:
    """The parameters as clickhouse-connect wants them."""
    return {
        name: value[2:-2].split("','") if value.startswith("[") else int(value) if value.isdigit() else value
        for name, value in parameters.items()
    }


def found_reads(plan: Any) -> Iterator[dict[str, Any]]:
    """The parts of a plan that read tables."""
    if isinstance(plan, list):
        for each in plan:
            yield from found_reads(each)
    elif isinstance(plan, dict):
        if "Indexes" in plan:
            yield plan
        for each in plan.values():
            yield from found_reads(each)


def test_a_server_that_hangs_is_given_up_in_time(engine: Engine, db: Database) -> None:
    async def work(pool: Pool) -> None:
        with pytest.raises(AwayError, match=r"no answer within 0\.3 s") as raised:
            await pool.ask("SELECT 1", {})
        assert not isinstance(raised.value, CostlyError)

    with engine.hanging():
        pooled(engine, db, work, reads_timeout_seconds=0.3)
    assert ask(engine, db, "SELECT 2", {}) == b"[2]\n"


def test_costly_questions_leave_connections_to_the_others(engine: Engine, db: Database) -> None:
    async def work(pool: Pool) -> None:
        costly = [asyncio.ensure_future(pool.ask("SELECT sleep(3)", {}, costly=True)) for _ in range(2 * CONNECTIONS)]
        # They are before the others wherever one waits for another.
        await turn()
        for _ in range(10):
            assert await pool.ask("SELECT 1", {}) == b"[1]\n"
        outcomes = await asyncio.gather(*costly, return_exceptions=True)
        assert {type(each) for each in outcomes} == {CostlyError}

    pooled(engine, db, work, reads_timeout_seconds=2.0)


def test_what_the_server_refuses_and_what_it_starts_to_answer_are_no_answers(engine: Engine, db: Database) -> None:
    async def work(pool: Pool) -> None:
        with pytest.raises(AwayError, match="code 60"):
            await pool.ask("SELECT * FROM {db}.nothing", {})
        with pytest.raises(AwayError, match="code 395"):
            await pool.ask("SELECT throwIf(number = 200000) FROM numbers(1000000)", {})
        with pytest.raises(AwayError, match="answer can't be read"):
            statements.read_seen(await pool.ask("SELECT 1", {}))
        with pytest.raises(AwayError, match=r"code (164|497)"):
            await pool.ask("INSERT INTO {db}.prices_raw SELECT * FROM {db}.prices_raw", {})

    pooled(engine, db, work)


def test_a_server_that_is_not_there_is_away() -> None:
    async def work() -> None:
        pool = Pool(Settings(clickhouse_url="http://127.0.0.1:1"))
        with pytest.raises(AwayError, match="not running"):
            await pool.ask("SELECT 1", {})
        await pool.start()
        try:
            with pytest.raises(AwayError, match="can't be reached"):
                await pool.ask("SELECT 1", {})
        finally:
            await pool.stop()

    asyncio.run(work())
