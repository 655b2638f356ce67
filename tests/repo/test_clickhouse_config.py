"""The server's configuration files: well-formed, with keys that the server knows, and secrets only by name."""

from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted(
    path
    for folder in ("config.d", "users.d", "tls", "cluster")
    for path in (ROOT / "clickhouse" / folder).glob("*.xml")
)
# Keys of the server's own config.xml, users.xml and keeper_config.xml, as far as they are used here. The server
# silently ignores a key that it doesn't know.
SERVER = {
    "access_control_improvements/on_cluster_queries_require_cluster_grant",
    "access_control_improvements/select_from_system_db_requires_grant",
    "access_control_improvements/settings_constraints_replace_previous",
    "asynchronous_metric_log/ttl",
    "backups/allowed_path",
    "distributed_ddl/path",
    "http_port",
    "https_port",
    "include_from",
    "interserver_http_credentials/password",
    "interserver_http_credentials/user",
    "interserver_http_port",
    "interserver_https_port",
    "logger/count",
    "logger/level",
    "logger/size",
    "macros/replica",
    "macros/shard",
    "mark_cache_size",
    "metric_log/ttl",
    "mysql_port",
    "openSSL/client/caConfig",
    "openSSL/client/loadDefaultCAFile",
    "openSSL/client/verificationMode",
    "openSSL/server/certificateFile",
    "openSSL/server/disableProtocols",
    "openSSL/server/preferServerCiphers",
    "openSSL/server/privateKeyFile",
    "openSSL/server/verificationMode",
    "part_log/ttl",
    "postgresql_port",
    "processors_profile_log",
    "prometheus/asynchronous_metrics",
    "prometheus/endpoint",
    "prometheus/errors",
    "prometheus/events",
    "prometheus/metrics",
    "prometheus/port",
    "query_log/ttl",
    "tcp_port",
    "tcp_port_secure",
    "text_log",
    "trace_log",
    "zookeeper/node/host",
    "zookeeper/node/port",
    "zookeeper/node/secure",
    *(
        f"remote_servers/{cluster}/{key}"
        for cluster in ("impressions", "impressions_whole")
        for key in (
            "secret",
            "shard/internal_replication",
            "shard/replica/host",
            "shard/replica/port",
            "shard/replica/secure",
        )
    ),
}
KEEPER = {
    "keeper_server/coordination_settings/operation_timeout_ms",
    "keeper_server/coordination_settings/session_timeout_ms",
    "keeper_server/log_storage_path",
    "keeper_server/raft_configuration/secure",
    "keeper_server/raft_configuration/server/hostname",
    "keeper_server/raft_configuration/server/id",
    "keeper_server/raft_configuration/server/port",
    "keeper_server/server_id",
    "keeper_server/snapshot_storage_path",
    "keeper_server/tcp_port_secure",
    "listen_host",
    "logger/console",
    "logger/level",
    "openSSL/client/caConfig",
    "openSSL/client/loadDefaultCAFile",
    "openSSL/client/verificationMode",
    "openSSL/server/caConfig",
    "openSSL/server/certificateFile",
    "openSSL/server/privateKeyFile",
    "openSSL/server/verificationMode",
}


def leaves(element: ElementTree.Element, path: str = "") -> Iterator[tuple[str, ElementTree.Element]]:
    for child in element:
        name = f"{path}/{child.tag}".lstrip("/")
        if len(child):
            yield from leaves(child, name)
        else:
            yield name, child


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_each_file_is_well_formed_and_has_a_comment(path: Path) -> None:
    assert ElementTree.parse(path).getroot().tag == "clickhouse"
    assert path.read_text().startswith("<!-- ")


@pytest.mark.parametrize(
    "path",
    [path for path in FILES if path.parent.name != "users.d" and path.stem != "users"],
    ids=lambda path: path.stem,
)
def test_the_server_knows_every_key(path: Path) -> None:
    """The engine itself reads the users' files (tests/engine/test_clickhouse_users.py)."""
    found = {name for name, _ in leaves(ElementTree.parse(path).getroot())}
    assert found <= (KEEPER if path.stem == "keeper" else SERVER)


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_no_file_contains_a_secret(path: Path) -> None:
    for name, element in leaves(ElementTree.parse(path).getroot()):
        if name.rpartition("/")[2].startswith(("password", "secret")):
            assert element.get("incl"), f"{name} is a value"
            assert not (element.text or "").strip()


def test_each_user_has_a_password_a_network_and_a_quota() -> None:
    users = ElementTree.parse(ROOT / "clickhouse" / "users.d" / "impressions.xml").findall("users/*")
    names = ["default", "migrator", "writer", "reader", "grafana", "collector", "operator", "eraser"]
    assert [user.tag for user in users] == names
    assert users[0].get("remove") == "remove"
    for user in users[1:]:
        assert {child.tag for child in user} == {"password_sha256_hex", "networks", "profile", "quota", "grants"}


def test_each_shard_of_a_cluster_has_three_replicas_so_that_two_are_a_majority() -> None:
    shards = ElementTree.parse(ROOT / "clickhouse" / "cluster" / "cluster.xml").findall(
        "remote_servers/impressions/shard"
    )
    assert [len(shard.findall("replica")) for shard in shards] == [3, 3]


@pytest.mark.parametrize("user", ["writer", "migrator"])
def test_what_writes_to_a_cluster_waits_for_a_quorum_that_reads_can_rely_on(user: str) -> None:
    """With parallel quorums, select_sequential_consistency has no effect. The rollups run as the migrator."""
    users, overlay = (
        ElementTree.parse(ROOT / "clickhouse" / folder).getroot()
        for folder in ("users.d/impressions.xml", "cluster/users.xml")
    )
    profile = overlay.findtext(f"users/{user}/profile") or users.findtext(f"users/{user}/profile")
    found = {name: element.text for name, element in leaves(overlay.findall(f"profiles/{profile}")[0])}
    assert found["insert_quorum"] == "auto"
    assert found["insert_quorum_parallel"] == "0"
    # The sink sends it itself, with the reads that decide something.
    assert found.get("select_sequential_consistency") == ("1" if user == "migrator" else None)
