"""ClickHouse's schema: numbered SQL files, each applied once, in order, and never changed afterwards.

ClickHouse has no transactional DDL. So every statement is idempotent (`IF NOT EXISTS`, `OR REPLACE`), a file is
recorded after its last statement, and an interrupted file is simply run again from its first statement.
"""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError

from streams.clickhouse.statements import UnclosedError, split
from streams.errors import UserError
from streams.runtime import log

logger = log.get(__name__)

# The files' placeholders for settings. The dedupe window is fixed at the first provisioning.
DATABASE, WINDOW = "{database}", "{dedupe_window_ms}"
_NAME = re.compile(r"(\d{4})_[a-z0-9_]+\.sql")
# Where it is recorded which files were applied.
TABLE = """CREATE TABLE IF NOT EXISTS {database}.schema_migrations
(
    number UInt32 COMMENT 'of the file [index]',
    name String COMMENT 'of the file',
    checksum String COMMENT 'SHA-256 of the file, hex',
    applied_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC') COMMENT 'when it was done [clock: ClickHouse]'
)
ENGINE = ReplacingMergeTree
ORDER BY number
COMMENT 'Migrations that were applied to the end'"""


@dataclass(frozen=True, slots=True)
class Applied:
    """A file that this call applied."""

    name: str


@dataclass(frozen=True, slots=True)
class AlreadyThere:
    """A file that was applied earlier and has not changed since."""

    name: str


@dataclass(frozen=True, slots=True)
class _File:
    number: int
    name: str
    statements: list[str]
    checksum: str


def apply(client: Client, folder: Path, database: str, window_ms: int) -> list[Applied | AlreadyThere]:
    """Apply the folder's files that are not applied yet; return what was done with each file, in order. Idempotent.

    Two calls at once do no harm: both run the same idempotent statements and record the same rows.

    Raises UserError that names the file: one that was changed, removed or renamed after it was applied, a new one that
    sorts before an applied one, two with the same number, an invalid name, a statement that fails.
    """
    files = _files(folder, database, window_ms)
    _run(client, f"CREATE DATABASE IF NOT EXISTS {database}", "The database")
    _run(client, TABLE.replace(DATABASE, database), "The table of migrations")
    recorded = _recorded(client, database)
    _check(files, recorded)
    done: list[Applied | AlreadyThere] = []
    for file in files:
        if file.number in recorded:
            done.append(AlreadyThere(file.name))
            continue
        for statement in file.statements:
            _run(client, statement, f"Migration {file.name}")
        client.insert(
            f"{database}.schema_migrations",
            [[file.number, file.name, file.checksum]],
            column_names=["number", "name", "checksum"],
            # The row must be recorded when this returns, not some time later.
            settings={"async_insert": 0},
        )
        logger.info("migration_applied", file=file.name, database=database)
        done.append(Applied(file.name))
    return done


def pending(client: Client, folder: Path, database: str, window_ms: int) -> list[str]:
    """Return the names of the files that `apply` would apply, and change nothing. Raises UserError as `apply` does."""
    files = _files(folder, database, window_ms)
    there = client.command(
        "SELECT count() FROM system.tables WHERE database = {db:String} AND name = 'schema_migrations'",
        parameters={"db": database},
    )
    recorded = _recorded(client, database) if there else {}
    _check(files, recorded)
    return [file.name for file in files if file.number not in recorded]


def _files(folder: Path, database: str, window_ms: int) -> list[_File]:
    return _read(folder, {DATABASE: database, WINDOW: str(window_ms)})


def _read(folder: Path, values: dict[str, str]) -> list[_File]:
    files: dict[int, _File] = {}
    for path in sorted(folder.glob("*.sql")):
        match = _NAME.fullmatch(path.name)
        if match is None:
            raise UserError(f"Migration {path.name} needs a name like 0001_what_it_makes.sql.")
        number, content = int(match[1]), path.read_bytes()
        if number in files:
            raise UserError(f"Migrations {files[number].name} and {path.name} have the same number.")
        try:
            statements = split(_fill(content.decode(), values))
        except (UnclosedError, UnicodeDecodeError) as error:
            raise UserError(f"Migration {path.name} can't be read: {error}.") from None
        files[number] = _File(number, path.name, statements, hashlib.sha256(content).hexdigest())
    if not files:
        raise UserError(f"There are no migrations in {folder}.")
    return list(files.values())


def _fill(text: str, values: dict[str, str]) -> str:
    for placeholder, value in values.items():
        text = text.replace(placeholder, value)
    return text


def _recorded(client: Client, database: str) -> dict[int, tuple[str, str]]:
    rows = client.query(f"SELECT number, name, checksum FROM {database}.schema_migrations FINAL").result_rows
    return {int(number): (str(name), str(checksum)) for number, name, checksum in rows}


def _check(files: list[_File], recorded: dict[int, tuple[str, str]]) -> None:
    by_number = {file.number: file for file in files}
    for number, (name, checksum) in sorted(recorded.items()):
        file = by_number.get(number)
        if file is None or file.name != name:
            raise UserError(
                f"Migration {name} was applied to this database and is not among the files any more: restore it, or "
                "use the release that wrote it."
            )
        if file.checksum != checksum:
            raise UserError(f"Migration {name} was changed after it was applied: restore it, and add a new file.")
    newest = max(recorded, default=0)
    for file in files:
        if file.number < newest and file.number not in recorded:
            raise UserError(
                f"Migration {file.name} is new but sorts before {recorded[newest][0]}, which is already applied: "
                "give it the next number."
            )


def _run(client: Client, statement: str, what: str) -> None:
    try:
        client.command(statement)
    except ClickHouseError as error:
        first_line = str(error).split("\n", 1)[0]
        raise UserError(f"{what} can't be applied: {first_line}") from error
