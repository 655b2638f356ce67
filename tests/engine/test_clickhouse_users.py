"""The server's users in the real engine: it accepts the files, and each user may do their own work and no more."""

from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from streams.clickhouse.statements import split
from streams.paths import migrations_folder
from tests.support.secured import make_secrets
from tests.support.server_config import ask, write

ROOT = Path(__file__).resolve().parents[2]
USERS = ("migrator", "writer", "reader", "grafana", "collector", "operator", "eraser")
READERS = ("reader", "grafana")
# Those who don't need every table.
GRANTED = {"collector": ["impressions_raw", "user_artworks_raw"]}
DENIED = "497 "
ROW = "('e1', 'u1', 'a1', now(), now(), true, 0, 1)"
INSERT = (
    "INSERT INTO impressions.impressions_raw "
    "(event_id, user_id, artwork_id, seen_at, received_at, fresh, kafka_partition, kafka_offset) VALUES"
)
# What nobody may do who only reads.
WRITES = (
    f"{INSERT} {ROW}",
    "ALTER TABLE impressions.impressions_raw DELETE WHERE 1",
    "ALTER TABLE impressions.impressions_raw UPDATE fresh = false WHERE 1",
    "DELETE FROM impressions.impressions_raw WHERE 1",
    "TRUNCATE TABLE impressions.impressions_raw",
    "DROP TABLE impressions.impressions_raw",
    "DROP VIEW impressions.impressions",
    "RENAME TABLE impressions.impressions_raw TO impressions.mine",
    "CREATE TABLE impressions.mine (n UInt8) ENGINE = Memory",
    "CREATE TEMPORARY TABLE mine (n UInt8)",
    "OPTIMIZE TABLE impressions.impressions_raw",
    "BACKUP TABLE impressions.impressions_raw TO File('mine')",
    "RESTORE TABLE impressions.impressions_raw AS impressions.mine FROM File('one')",
    "SYSTEM FLUSH LOGS",
    "SELECT * FROM url('http://127.0.0.1:1/', 'LineAsString')",
)

# What whoever keeps the server does, and what they may not.
OPERATING = {
    "operator backs up": ("operator", "BACKUP TABLE impressions.impressions_raw TO File('one')"),
    "operator backs up elsewhere": ("operator", "BACKUP TABLE impressions.impressions_raw TO File('/etc/one')"),
    "operator kills": ("operator", "KILL QUERY WHERE query_id = 'none' SYNC"),
    "operator merges": ("operator", "OPTIMIZE TABLE impressions.impressions_raw FINAL"),
    "operator looks": ("operator", "SELECT count() FROM system.processes"),
    "operator reads": ("operator", "SELECT user_id FROM impressions.impressions_raw"),
    "operator inserts": ("operator", f"{INSERT} {ROW}"),
    "operator deletes": ("operator", "ALTER TABLE impressions.impressions_raw DELETE WHERE 1"),
    "operator drops": ("operator", "DROP TABLE impressions.impressions_raw"),
    "operator restores": (
        "operator",
        "RESTORE TABLE impressions.impressions_raw AS impressions.again FROM File('one')",
    ),
    "migrator restores": (
        "migrator",
        "RESTORE TABLE impressions.impressions_raw AS impressions.again FROM File('one')",
    ),
    "restored": ("migrator", "SELECT count() FROM impressions.again"),
}


def migrations() -> list[str]:
    texts = (path.read_text() for path in sorted(migrations_folder().glob("*.sql")))
    filled = (text.replace("{database}", "impressions").replace("{dedupe_window_ms}", "600000") for text in texts)
    return [statement for text in filled for statement in split(text)]


@pytest.fixture(scope="module")
def secrets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_secrets(tmp_path_factory.mktemp("secrets"))


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory, secrets: Path) -> dict[str, Any]:
    """The schema created by the migrator, and the answers that each user got to various statements."""
    folder = tmp_path_factory.mktemp("users")
    tries = {
        **{f"{user}: {statement}": (user, statement) for user in READERS for statement in WRITES},
        "users": ("admin", "SELECT name, auth_type[1] FROM system.users WHERE storage = 'users_xml' ORDER BY name"),
        "profiles": (
            "admin",
            "SELECT user_name, inherit_profile FROM system.settings_profile_elements WHERE user_name != ''",
        ),
        "quotas": (
            "admin",
            "SELECT name, duration, max_queries, max_execution_time FROM system.quotas AS quota "
            "JOIN system.quota_limits AS of ON quota.name = of.quota_name WHERE name LIKE 'impressions%' ORDER BY name",
        ),
        "limits": (
            "admin",
            "SELECT setting_name, value, min, max FROM system.settings_profile_elements "
            "WHERE profile_name = 'impressions_reader'",
        ),
        "grants": ("admin", "SELECT user_name, access_type FROM system.grants WHERE user_name IS NOT NULL"),
        "migrator drops": ("migrator", "DROP TABLE impressions.impressions_raw"),
        "migrator elsewhere": ("migrator", "CREATE TABLE default.mine (n UInt8) ENGINE = Memory"),
        "writer inserts": ("writer", f"{INSERT} {ROW}"),
        "writer reads": ("writer", "SELECT count() FROM impressions.impressions"),
        "writer makes": ("writer", "CREATE TABLE impressions.mine (n UInt8) ENGINE = Memory"),
        "writer deletes": ("writer", "ALTER TABLE impressions.impressions_raw DELETE WHERE 1"),
        "reader looks for a file": ("reader", "SELECT * FROM file('/etc/passwd', 'LineAsString')"),
        "reader asks for refreshes": ("reader", "SELECT count() FROM system.view_refreshes"),
        **OPERATING,
        "collector reads events": ("collector", "SELECT count() FROM impressions.impressions_raw"),
        "collector reads artworks": ("collector", "SELECT count() FROM impressions.user_artworks_raw"),
        "collector reads more": ("collector", "SELECT count() FROM impressions.rejected_raw"),
        "collector inserts": ("collector", f"{INSERT} {ROW}"),
        "eraser inserts": ("eraser", f"{INSERT} {ROW}"),
        "eraser deletes": (
            "eraser",
            "ALTER TABLE impressions.impressions_raw DELETE WHERE user_id = 'u1' SETTINGS mutations_sync = 2",
        ),
        "eraser reads": ("eraser", "SELECT count() FROM impressions.impressions_raw"),
    }
    views = [
        ("admin", "SELECT name FROM system.tables WHERE database = 'impressions' AND engine = 'View' ORDER BY name")
    ]
    schema = [("migrator", statement) for statement in migrations()]
    config = write(folder / "config", secrets / "clickhouse_users.xml")
    answers = ask(folder / "data", config, [*schema, *tries.values(), *views])
    found = dict(zip(tries, answers[len(schema) :], strict=False))
    found["schema"] = answers[: len(schema)]
    found["views"] = [name for (name,) in answers[-1]]
    reads = [(user, f"SELECT * FROM impressions.{name}") for user in READERS for name in found["views"]]
    found["reads"] = dict(zip(reads, ask(folder / "data", config, reads), strict=True))
    return found


def test_every_user_has_a_hashed_password(asked: dict[str, Any]) -> None:
    assert {name: kind for name, kind in asked["users"] if name != "default"} == dict.fromkeys(USERS, "sha256_password")
    assert '<default remove="remove"/>' in (ROOT / "clickhouse" / "users.d" / "impressions.xml").read_text()


def test_each_user_has_their_profile_and_quota(asked: dict[str, Any]) -> None:
    assert {tuple(row) for row in asked["profiles"] if row[0] != "default"} == {
        ("migrator", "default"),
        ("writer", "impressions_writer"),
        ("reader", "impressions_reader"),
        ("grafana", "impressions_grafana"),
        ("collector", "impressions_collector"),
        ("operator", "impressions_operator"),
        ("eraser", "impressions_eraser"),
    }
    limits = {name: (seconds, queries and int(queries), time) for name, seconds, queries, time in asked["quotas"]}
    assert limits == {
        "impressions_counted": (3600, None, None),
        "impressions_reader": (3600, 50_000, 7200),
        "impressions_grafana": (3600, 200_000, 7200),
    }
    settings = {setting: (value, least, most) for setting, value, least, most in asked["limits"]}
    assert settings["readonly"] == ("1", None, None)
    assert settings["max_execution_time"] == ("60", "0.1", "300")


def test_the_migrator_creates_the_schema_but_can_not_drop_it(asked: dict[str, Any]) -> None:
    assert [answer for answer in asked["schema"] if isinstance(answer, str)] == []
    assert asked["migrator drops"].startswith(DENIED)
    assert asked["migrator elsewhere"].startswith(DENIED)


def test_the_writer_can_insert_but_not_change_anything(asked: dict[str, Any]) -> None:
    assert asked["writer inserts"] == []
    assert [int(count) for (count,) in asked["writer reads"]] == [1]
    assert asked["writer makes"].startswith(DENIED)
    assert asked["writer deletes"].startswith(DENIED)


def test_readers_can_read_every_view_and_nothing_else(asked: dict[str, Any]) -> None:
    assert {"impressions", "user_coverage", "ledger", "rejected", "artworks"} <= set(asked["views"])
    assert [answer for answer in asked["reads"].values() if isinstance(answer, str)] == []
    assert not isinstance(asked["reader asks for refreshes"], str)
    assert asked["reader looks for a file"].startswith(DENIED)


@pytest.mark.parametrize("user", READERS)
@pytest.mark.parametrize("statement", WRITES)
def test_who_only_reads_can_not(statement: str, user: str, asked: dict[str, Any]) -> None:
    assert asked[f"{user}: {statement}"].startswith(DENIED)


def test_the_operator_backs_up_kills_and_merges_but_reads_and_changes_no_row(asked: dict[str, Any]) -> None:
    assert [status for _, status in asked["operator backs up"]] == ["BACKUP_CREATED"]
    assert "is not allowed for backups" in asked["operator backs up elsewhere"]
    assert asked["operator kills"] == asked["operator merges"] == []
    assert not isinstance(asked["operator looks"], str)
    for what in ("reads", "inserts", "deletes", "drops", "restores"):
        assert asked[f"operator {what}"].startswith(DENIED)


def test_only_the_operator_may_kill_the_queries_of_others(asked: dict[str, Any]) -> None:
    """A user's own queries need no grant; the engine has one user here, so the grants themselves are compared."""
    may = {user for user, kind in asked["grants"] if kind in ("KILL QUERY", "ALL")}
    assert may & set(USERS) == {"operator"}


def test_the_migrator_restores_what_the_operator_backed_up(asked: dict[str, Any]) -> None:
    assert [status for _, status in asked["migrator restores"]] == ["RESTORED"]
    assert [int(count) for (count,) in asked["restored"]] == [1]


def test_the_collector_reads_two_tables_and_writes_none(asked: dict[str, Any]) -> None:
    assert not isinstance(asked["collector reads events"], str)
    assert not isinstance(asked["collector reads artworks"], str)
    assert asked["collector reads more"].startswith(DENIED)
    assert asked["collector inserts"].startswith(DENIED)


def test_the_eraser_can_delete_but_not_insert(asked: dict[str, Any]) -> None:
    assert asked["eraser inserts"].startswith(DENIED)
    assert asked["eraser deletes"] == []
    assert [int(count) for (count,) in asked["eraser reads"]] == [0]


def test_what_is_left_out_for_the_engine_depends_on_our_configuration() -> None:
    """So leaving it out hides nothing else."""
    users = (ROOT / "clickhouse" / "users.d" / "impressions.xml").read_text()
    assert "<changeable_in_readonly/>" in users
    profiles = ElementTree.fromstring(users)
    assert {profiles.findtext(f"profiles/impressions_{user}/readonly") for user in READERS} == {"1"}
    config = ElementTree.parse(ROOT / "clickhouse" / "config.d" / "impressions.xml")
    path = "access_control_improvements/settings_constraints_replace_previous"
    assert config.findtext(path) == "true"


def test_a_cluster_gives_the_same_users_the_same_rights_on_each_shard(tmp_path: Path, secrets: Path) -> None:
    config = write(tmp_path / "config", secrets / "clickhouse_users.xml", cluster=True)
    shown = [("admin", f"SHOW GRANTS FOR {user}") for user in USERS]
    settings = (
        "SELECT setting_name, value FROM system.settings_profile_elements WHERE profile_name = 'impressions_writer'"
    )
    *answers, profile = ask(tmp_path / "data", config, [*shown, ("admin", settings)])
    for user, rows in zip(USERS, answers, strict=True):
        grants = "\n".join(grant for (grant,) in rows)
        for table in GRANTED.get(user, ["*"]):
            assert f"ON impressions.{table} TO {user}" in grants
            assert f"ON impressions_shard.{table} TO {user}" in grants
        assert user not in GRANTED or "*" not in grants
    assert {"distributed_foreground_insert": "1", "insert_quorum": "auto", "async_insert": "0"}.items() <= {
        name: value for name, value in profile
    }.items()
