"""Migrations on the real engine: once each, in order, completed after an interruption, and never changed later."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from clickhouse_connect.driver.client import Client

from impression_streams.types import MAX_INTEGER
from streams.clickhouse.client import connect
from streams.clickhouse.migrate import AlreadyThere, Applied, apply
from streams.core.summary import MOST_REPORTED
from streams.embedded.ports import free_pair
from streams.errors import UserError
from streams.paths import migrations_folder
from streams.settings import Settings
from streams.sink.feeds import all_tables
from tests.support.clickhouse import Engine, running_engine
from tests.support.flushes import WINDOW

# Base tables that the sink does not write.
OTHERS = ["ledger_minutes_raw", "users_raw", "prices_raw"]
FIRST = "CREATE TABLE IF NOT EXISTS {database}.one (n UInt8) ENGINE = MergeTree ORDER BY n;\n"
SECOND = "CREATE OR REPLACE VIEW {database}.two AS SELECT n FROM {database}.one;\n"


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    with running_engine(tmp_path_factory.mktemp("migrate")) as engine:
        yield engine


@pytest.fixture(scope="module")
def client(engine: Engine) -> Client:
    return connect(engine.settings())


@pytest.fixture
def database(request: pytest.FixtureRequest) -> str:
    return f"db_{abs(hash(request.node.nodeid))}"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "0001_one.sql").write_text(FIRST)
    (tmp_path / "0002_two.sql").write_text(SECOND)
    return tmp_path


def names(client: Client, database: str) -> set[str]:
    return {row[0] for row in client.query(f"SHOW TABLES FROM {database}").result_rows}


def test_files_are_applied_once_and_in_order(client: Client, folder: Path, database: str) -> None:
    assert apply(client, folder, database, WINDOW) == [Applied("0001_one.sql"), Applied("0002_two.sql")]
    assert names(client, database) == {"one", "two", "schema_migrations"}
    assert apply(client, folder, database, WINDOW) == [AlreadyThere("0001_one.sql"), AlreadyThere("0002_two.sql")]
    (folder / "0003_three.sql").write_text(SECOND.replace("two", "three"))
    assert apply(client, folder, database, WINDOW)[2] == Applied("0003_three.sql")


def test_an_interrupted_file_is_completed_by_the_next_run(client: Client, folder: Path, database: str) -> None:
    broken = folder / "0003_three.sql"
    broken.write_text(FIRST.replace("one", "three") + "CREATE VIEW nonsense;\n")
    with pytest.raises(UserError, match=r"0003_three\.sql"):
        apply(client, folder, database, WINDOW)
    assert "three" in names(client, database)
    broken.write_text(FIRST.replace("one", "three") + FIRST.replace("one", "four"))
    assert apply(client, folder, database, WINDOW)[2] == Applied("0003_three.sql")
    assert {"three", "four"} <= names(client, database)


def test_a_changed_file_is_refused_by_name(client: Client, folder: Path, database: str) -> None:
    apply(client, folder, database, WINDOW)
    (folder / "0001_one.sql").write_text(FIRST + "\n")
    with pytest.raises(UserError, match=r"0001_one\.sql was changed"):
        apply(client, folder, database, WINDOW)


def test_a_missing_or_renamed_file_is_refused_by_name(client: Client, folder: Path, database: str) -> None:
    apply(client, folder, database, WINDOW)
    (folder / "0001_one.sql").rename(folder / "0001_uno.sql")
    with pytest.raises(UserError, match=r"0001_one\.sql was applied .* not among the files"):
        apply(client, folder, database, WINDOW)
    (folder / "0001_uno.sql").unlink()
    with pytest.raises(UserError, match=r"0001_one\.sql was applied .* not among the files"):
        apply(client, folder, database, WINDOW)


def test_a_new_file_before_an_applied_one_is_refused_by_name(client: Client, folder: Path, database: str) -> None:
    (folder / "0002_two.sql").rename(folder / "0003_two.sql")
    apply(client, folder, database, WINDOW)
    (folder / "0002_late.sql").write_text(SECOND.replace("two", "late"))
    with pytest.raises(UserError, match=r"0002_late\.sql is new but sorts before 0003_two\.sql"):
        apply(client, folder, database, WINDOW)


@pytest.mark.parametrize(
    ("name", "text", "sentence"),
    [
        ("0002_other.sql", SECOND, "the same number"),
        ("three.sql", SECOND, "needs a name like"),
        ("0003_three.sql", "SELECT 'x", "never closed"),
    ],
)
def test_invalid_files_are_refused_before_anything_is_done(
    client: Client, folder: Path, database: str, name: str, text: str, sentence: str
) -> None:
    (folder / name).write_text(text)
    with pytest.raises(UserError, match=sentence):
        apply(client, folder, database, WINDOW)
    assert not client.query(f"SHOW DATABASES LIKE '{database}'").result_rows


def test_an_empty_folder_is_refused(client: Client, tmp_path: Path, database: str) -> None:
    with pytest.raises(UserError, match="no migrations"):
        apply(client, tmp_path, database, WINDOW)


def test_the_databases_name_is_a_setting(client: Client, database: str) -> None:
    apply(client, migrations_folder(), database, WINDOW)
    text = client.query(
        "SELECT arrayStringConcat(groupArray(create_table_query)) FROM system.tables WHERE database = {name:String}",
        parameters={"name": database},
    ).result_rows[0][0]
    assert "impressions." not in text


def test_the_sink_writes_exactly_the_existing_columns(client: Client, database: str) -> None:
    apply(client, migrations_folder(), database, WINDOW)
    found: dict[str, dict[str, str]] = {}
    query = (
        "SELECT table, name, type FROM system.columns"
        " WHERE database = {name:String} AND table LIKE '%_raw' AND table NOT IN {others:Array(String)}"
    )
    for table, name, kind in client.query(query, parameters={"name": database, "others": OTHERS}).result_rows:
        found.setdefault(table, {})[name] = kind
    assert found == {table.name: {column.name: column.type for column in table.columns} for table in all_tables()}


def test_running_the_projects_migrations_again_changes_nothing(client: Client, database: str) -> None:
    apply(client, migrations_folder(), database, WINDOW)
    client.command(f"INSERT INTO {database}.prices_raw (item, usd, valid_from) VALUES ('artwork', 0.5, '1970-01-01')")
    client.command(f"TRUNCATE TABLE {database}.schema_migrations")
    apply(client, migrations_folder(), database, WINDOW)
    prices = client.query(f"SELECT item, usd FROM {database}.prices ORDER BY item").result_rows
    assert [tuple(row) for row in prices] == [("artwork", 0.5), ("platform", 850.0)]


def test_what_an_earlier_release_wrote_is_read_after_the_migration(
    client: Client, database: str, tmp_path: Path
) -> None:
    def rows(query: str) -> list[tuple[object, ...]]:
        return [tuple(row) for row in client.query(query.replace("FROM ", f"FROM {database}.")).result_rows]

    def roll_up() -> None:
        for statement in ("REFRESH", "WAIT"):
            client.command(f"SYSTEM {statement} VIEW {database}.ledger_minutes_refresh")

    for path in sorted(migrations_folder().glob("*.sql"))[:6]:
        shutil.copy(path, tmp_path)
    apply(client, tmp_path, database, WINDOW)
    columns = "source_offset, kafka_offset, appended_at, received, attempts, failures"
    insert = f"INSERT INTO {database}.ledger_raw ({columns}) SELECT number, number, now('UTC') - INTERVAL 1 HOUR, 1"
    client.command(f"{insert}, {MAX_INTEGER}, {MAX_INTEGER} FROM numbers(2100)")
    client.command(f"INSERT INTO {database}.rejected_raw (source_offset, kafka_offset, payload) VALUES (1, 1, 'x')")
    client.command(
        f"INSERT INTO {database}.impressions_raw (event_id, user_id, surface, pool_id, received_at)"
        " SELECT toString(number), 'u1', concat('s', toString(number)), 'main', now() FROM numbers(20000)"
    )
    roll_up()
    wrapped = 2_100 * MAX_INTEGER % 2**64
    assert rows("SELECT sum(lines), sum(attempts) FROM ledger_minutes_raw") == [(2_100, wrapped)]
    apply(client, migrations_folder(), database, WINDOW)
    client.command(f"{insert}, 1, 0 FROM numbers(2100, 5)")
    for _ in range(2):
        assert rows("SELECT count(), min(lines), max(lines) FROM ledger") == [(2_105, 1, 1)]
        assert rows("SELECT lines FROM rejected") == [(1,)]
        assert rows("SELECT uniqExact(surface), any(pool_id), any(toTypeName(surface)) FROM impressions") == [
            (20_000, "main", "String")
        ]
        assert rows("SELECT sum(lines), sum(attempts), sum(failures) FROM ledger_minutes") == [
            (2_105, 2_100 * MOST_REPORTED + 5, 2_100 * MOST_REPORTED)
        ]
        roll_up()
    assert rows("SELECT sum(lines) FROM ledger_minutes_raw") == [(2_105,)]


def test_two_provisions_at_once_do_no_harm(client: Client, database: str, folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "half"
    other.mkdir()
    shutil.copy(folder / "0001_one.sql", other)
    apply(client, other, database, WINDOW)
    client.command(f"INSERT INTO {database}.schema_migrations SELECT * FROM {database}.schema_migrations")
    assert apply(client, folder, database, WINDOW) == [AlreadyThere("0001_one.sql"), Applied("0002_two.sql")]


def test_the_reader_can_not_migrate(engine: Engine, folder: Path, database: str) -> None:
    with pytest.raises(UserError, match="can't be applied"):
        apply(connect(engine.settings(), user="reader"), folder, database, WINDOW)


def test_an_unreachable_or_refusing_server_is_reported_in_one_sentence(engine: Engine, tmp_path: Path) -> None:
    away = Settings.model_validate({"clickhouse_url": f"http://127.0.0.1:{free_pair()}", "data_dir": tmp_path})
    with pytest.raises(UserError, match=r"can't be reached at http://127.0.0.1:\d+: is it up"):
        connect(away)
    with pytest.raises(UserError, match="refuses user 'writer'"):
        connect(engine.settings(IMPRESSIONS_CLICKHOUSE_PASSWORD="wrong"))
