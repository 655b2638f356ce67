"""The overlay for a cluster, as far as one engine can show: it parses, and the views work on the distributed tables."""

import hashlib
import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest

from streams.errors import UserError
from streams.paths import migrations_folder
from tests.support.server_config import ask

ROOT = Path(__file__).resolve().parents[2]
WINDOW_MS = 600_000


def _module() -> ModuleType:
    spec = importlib.util.spec_from_file_location("cluster_schema", ROOT / "clickhouse" / "cluster" / "schema.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


schema = _module()
STATEMENTS: list[str] = schema.statements(migrations_folder(), "impressions", WINDOW_MS)
TABLES = sorted(re.findall(r"CREATE TABLE IF NOT EXISTS impressions_shard\.(\w+)", "\n".join(STATEMENTS)))
SCHEMA = [each for each in STATEMENTS if not each.startswith("SET ") and "schema_migrations" not in each]
WHOLE = {"artworks_raw", "prices_raw"}


def of(pattern: str) -> list[str]:
    return [statement for statement in STATEMENTS if re.match(pattern, statement)]


def test_the_engines_parser_accepts_every_statement(tmp_path: Path) -> None:
    answers = ask(tmp_path / "data", None, [("", f"EXPLAIN AST {s}") for s in STATEMENTS if not s.startswith("SET ")])
    assert [answer for answer in answers if isinstance(answer, str)] == []


def test_the_parser_refuses_nonsense(tmp_path: Path) -> None:
    (answer,) = ask(tmp_path / "data", None, [("", "EXPLAIN AST CREATE TABLE t ENGINE Distributed(")])
    assert answer.startswith("62 ")


@pytest.mark.parametrize("table", TABLES)
def test_shard_tables_are_replicated_and_the_tables_above_distributed(table: str) -> None:
    (made,) = of(rf"CREATE TABLE IF NOT EXISTS impressions_shard\.{table}\b")
    (above,) = of(rf"CREATE TABLE IF NOT EXISTS impressions\.{table}\b")
    assert re.search(r"ENGINE = Replicated(Replacing)?MergeTree", made)
    assert "non_replicated_deduplication_window" not in made
    if table in WHOLE:
        assert f"'/clickhouse/whole/{table}', '{{shard}}-{{replica}}'" in made
        assert above.endswith(f"Distributed(impressions_whole, impressions_shard, {table})")
    else:
        assert "/clickhouse/" not in made
        assert above.endswith(f"Distributed(impressions, impressions_shard, {table}, kafka_partition)")


def test_every_table_and_view_of_the_migrations_exists_under_its_name() -> None:
    text = "\n".join(path.read_text() for path in migrations_folder().glob("*.sql"))
    tables = set(re.findall(r"CREATE TABLE IF NOT EXISTS \{database\}\.(\w+)", text))
    views = set(re.findall(r"CREATE OR REPLACE VIEW \{database\}\.(\w+)", text))
    rollups = set(re.findall(r"CREATE MATERIALIZED VIEW IF NOT EXISTS \{database\}\.(\w+)", text))
    assert tables == set(TABLES)
    for database, names in (("impressions", views), ("impressions_shard", views | rollups)):
        found = re.findall(rf"VIEW (?:IF NOT EXISTS )?{database}\.(\w+)", "\n".join(STATEMENTS))
        assert set(found) == names


def test_a_changed_column_or_comment_is_changed_above_the_shards_too_and_an_index_or_rollup_is_not() -> None:
    changed, rollups = of(r"ALTER TABLE impressions\."), r"ALTER TABLE \w+\.\w+_refresh\b"
    theirs = [each for each in of(r"ALTER TABLE impressions_shard\.") if re.search(r" (COLUMN|COMMENT) ", each)]
    above = [each for each in theirs if not re.match(rollups, each)]
    assert len(changed) == len(above) > 0
    assert len(above) < len(theirs)
    assert [each for each in changed if " INDEX " in each or re.match(rollups, each)] == []


def test_distributed_tables_and_the_views_above_the_shards_have_the_shards_comments(tmp_path: Path) -> None:
    servers = "<shard><replica><host>127.0.0.1</host><port>9000</port></replica></shard>"
    clusters = "".join(f"<{name}>{servers}</{name}>" for name in ("impressions", "impressions_whole"))
    config = tmp_path / "config.xml"
    config.write_text(f"<clickhouse><remote_servers>{clusters}</remote_servers></clickhouse>\n")
    run = [_without_replication(each) for each in SCHEMA]
    comments = (
        "SELECT * FROM ("
        "SELECT table, name, comment FROM system.columns WHERE database = '{}' AND table NOT LIKE '%_refresh'"
        " UNION ALL SELECT name, '', comment FROM system.tables WHERE database = '{}' AND name NOT LIKE '%_refresh'"
        ") ORDER BY ALL"
    )
    asked = [comments.format(database, database) for database in ("impressions", "impressions_shard")]
    *made, above, theirs = ask(tmp_path / "data", config, [("", statement) for statement in [*run, *asked]])
    assert [answer for answer in made if isinstance(answer, str)] == []
    assert above == theirs
    assert len(above) > 200
    assert [row for row in above if not row[2]] == []


def test_a_shard_does_not_depend_on_other_shards() -> None:
    for statement in of(r".*\bimpressions_shard\.\w+"):
        if "Distributed(" not in statement:
            assert not re.search(r"\bimpressions\.\w", statement)


def test_the_migrations_are_recorded_as_provision_records_them() -> None:
    rows = re.findall(
        r"schema_migrations \(number, name, checksum\) VALUES \((\d+), '(.+)', '(.+)'\)", "\n".join(STATEMENTS)
    )
    assert rows == [
        (str(int(path.name[:4])), path.name, hashlib.sha256(path.read_bytes()).hexdigest())
        for path in sorted(migrations_folder().glob("*.sql"))
    ]


def test_views_above_the_shards_read_a_shards_rows(tmp_path: Path) -> None:
    """Without replication, and with one shard that is read directly: this still checks every name and column."""
    run = [_on_one_engine(each) for each in SCHEMA]
    insert = (
        "INSERT INTO impressions_shard.impressions_raw "
        "(event_id, user_id, artwork_id, seen_at, received_at, fresh, kafka_partition, kafka_offset) "
        "VALUES ('e1', 'u1', 'a1', now(), now(), true, 0, 1)"
    )
    views = [
        f"SELECT * FROM impressions.{name}" for name in re.findall(r"REPLACE VIEW impressions\.(\w+)", "\n".join(run))
    ]
    answers = ask(tmp_path / "data", None, [("", statement) for statement in [*run, insert, *views]])
    assert [answer for answer in answers if isinstance(answer, str)] == []
    assert len(views) > 5
    (row,) = answers[len(run) + 1 + views.index("SELECT * FROM impressions.impressions")]
    assert row[:3] == ["e1", "u1", "a1"]


def _on_one_engine(statement: str) -> str:
    return re.sub(r"Distributed\(\w+, (\w+), (\w+)(, \w+)?\)", r"Merge(\1, '^\2$')", _without_replication(statement))


def _without_replication(statement: str) -> str:
    statement = re.sub(r" ON CLUSTER \w+ ENGINE = Replicated\(.*\)", "", statement)
    statement = re.sub(r"'/clickhouse/whole/\w+', '\{shard\}-\{replica\}'(, )?", "", statement).replace(
        "MergeTree()", "MergeTree"
    )
    statement = statement.replace("ENGINE = Replicated", "ENGINE = ")
    return re.sub(
        r"\breplicated_deduplication_window = (\d+), \w+ = \d+", r"non_replicated_deduplication_window = \1", statement
    )


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("TRUNCATE TABLE {database}.one;", "no rule"),
        ("CREATE TABLE IF NOT EXISTS {database}.one (n UInt8) ENGINE = Memory;", "0 engines"),
    ],
)
def test_a_statement_without_a_rule_is_refused(text: str, sentence: str, tmp_path: Path) -> None:
    (tmp_path / "0001_one.sql").write_text(text)
    with pytest.raises(UserError, match=sentence):
        schema.statements(tmp_path, "impressions", WINDOW_MS)
