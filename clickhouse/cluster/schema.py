"""The schema of a cluster, made from the migrations, as statements for clickhouse-client: README.md says what of what.

python clickhouse/cluster/schema.py | clickhouse-client --user migrator --ask-password --multiquery
"""

import hashlib
import re
import sys
from pathlib import Path

from streams.clickhouse.migrate import DATABASE, TABLE, WINDOW
from streams.clickhouse.statements import split
from streams.errors import UserError
from streams.paths import migrations_folder
from streams.settings import Settings

# Clusters of cluster.xml: shards with their replicas; and all servers as replicas of one shard.
SHARDED, WHOLE = "impressions", "impressions_whole"
# The catalogue, which each shard joins with its own rows, is on every server, as is what belongs to no Kafka partition.
CATALOGUE = "artworks_raw"
SHARD_COLUMN = "kafka_partition"
# What also changes the tables and views above the shards; an index or a rollup is the shards' alone.
_ABOVE = re.compile(r"\b((ADD|MODIFY|COMMENT) COLUMN|MODIFY COMMENT)\b")
# How long a token is remembered: above any pause between an insert and its retry. By default it is an hour.
TOKEN_SECONDS = 7 * 86_400

_KIND = re.compile(
    r"CREATE (?P<database>DATABASE)|CREATE (?P<table>TABLE) IF NOT EXISTS|CREATE (?P<view>OR REPLACE VIEW)"
    r"|CREATE (?P<rollup>MATERIALIZED VIEW)|(?P<change>ALTER TABLE)|(?P<rows>INSERT INTO)"
)
_NAME = re.compile(r"(?:CREATE TABLE IF NOT EXISTS|CREATE MATERIALIZED VIEW IF NOT EXISTS|ALTER TABLE) \w+\.(\w+)")
_ENGINE = re.compile(r"\bENGINE = (\w*)MergeTree(?:\(([^)]*)\))?")


def statements(folder: Path, database: str, window_ms: int) -> list[str]:
    """Return the statements in order. Raises UserError for one of the migrations that there is no rule for."""
    shard = f"{database}_shard"
    files = sorted(folder.glob("*.sql"))
    rollups = frozenset(_name(each) for each in _read(files, shard, window_ms) if _kind(each) == "rollup")
    return [
        # Whole tables are given a path of their own, without the shard.
        "SET database_replicated_allow_replicated_engine_arguments = 1",
        *(_database(name) for name in (shard, database)),
        *(done for each in _read(files, shard, window_ms) for done in _of_a_shard(each)),
        *(done for each in _read(files, database, window_ms) for done in _over_all(each, database, shard, rollups)),
        # So that `impressions provision` finds the schema there, and only sees to Kafka.
        _replicated(TABLE.replace(DATABASE, database)),
        *(_applied(path, database) for path in files),
    ]


def _database(name: str) -> str:
    # It carries every statement to all servers, and has one replica of each shard refresh a rollup.
    return (
        f"CREATE DATABASE IF NOT EXISTS {name} ON CLUSTER {SHARDED} "
        f"ENGINE = Replicated('/clickhouse/databases/{name}', '{{shard}}', '{{replica}}')"
    )


def _read(files: list[Path], database: str, window_ms: int) -> list[str]:
    filled = (path.read_text().replace(DATABASE, database).replace(WINDOW, str(window_ms)) for path in files)
    return [statement for text in filled for statement in split(text)]


def _kind(statement: str) -> str:
    found = _KIND.match(statement)
    if found is None or found.lastgroup is None:
        raise UserError(f"There is no rule for a cluster that covers this statement: {statement[:80]}...")
    return found.lastgroup


def _of_a_shard(statement: str) -> list[str]:
    match _kind(statement):
        case "database":
            return []
        case "table":
            return [_replicated(statement)]
        case _:
            return [statement]


def _over_all(statement: str, database: str, shard: str, rollups: frozenset[str]) -> list[str]:
    match _kind(statement):
        case "table":
            name = _name(statement)
            target = (
                f"{WHOLE}, {shard}, {name}" if _is_whole(statement) else f"{SHARDED}, {shard}, {name}, {SHARD_COLUMN}"
            )
            return [f"CREATE TABLE IF NOT EXISTS {database}.{name} AS {shard}.{name} ENGINE = Distributed({target})"]
        case "view":
            return [statement]
        case "change" if _ABOVE.search(statement) and _name(statement) not in rollups:
            return [statement]
        case _:
            return []


def _replicated(statement: str) -> str:
    place = f"'/clickhouse/whole/{_name(statement)}', '{{shard}}-{{replica}}'" if _is_whole(statement) else ""

    def engine(found: re.Match[str]) -> str:
        arguments = ", ".join(filter(None, (place, found[2])))
        return f"ENGINE = Replicated{found[1]}MergeTree" + (f"({arguments})" if arguments else "")

    changed, count = _ENGINE.subn(engine, statement)
    if count != 1:
        raise UserError(f"Table {_name(statement)} has {count} engines of the MergeTree family.")
    return re.sub(
        r"\bnon_replicated_deduplication_window = (\d+)",
        rf"replicated_deduplication_window = \1, replicated_deduplication_window_seconds = {TOKEN_SECONDS}",
        changed,
    )


def _name(statement: str) -> str:
    found = _NAME.match(statement)
    if found is None:
        raise UserError(f"This statement names no table of a database: {statement[:80]}...")
    return found[1]


def _is_whole(statement: str) -> bool:
    return _name(statement) == CATALOGUE or re.search(rf"^\s+{SHARD_COLUMN} ", statement, re.MULTILINE) is None


def _applied(path: Path, database: str) -> str:
    number, checksum = int(path.name[:4]), hashlib.sha256(path.read_bytes()).hexdigest()
    return (
        f"INSERT INTO {database}.schema_migrations (number, name, checksum) "
        f"VALUES ({number}, '{path.name}', '{checksum}')"
    )


def main() -> None:
    """Print them, for the settings in force."""
    settings = Settings.load()
    for statement in statements(migrations_folder(), settings.clickhouse_database, settings.window_ms):
        sys.stdout.write(f"{statement};\n\n")


if __name__ == "__main__":
    main()
