"""Compose itself reads our files: it accepts them, alone and merged, but not without variables that have no default."""

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.compose import BUILD_SECONDS, RUN_SECONDS, program
from tests.support.compose_file import ROOT
from tests.support.secured import make_secrets

# Where compose is not installed, the first test that needs it builds it.
pytestmark = [pytest.mark.integration, pytest.mark.timeout(BUILD_SECONDS + 300)]

BASE = ("-f", "docker-compose.yml")
PRODUCTION = (*BASE, "-f", "docker-compose.production.yml")


@pytest.fixture(scope="module")
def env_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The .env that deploy/secrets.sh writes."""
    return make_secrets(tmp_path_factory.mktemp("compose")).parent / ".env"


def compose(*arguments: str, env_file: Path) -> subprocess.CompletedProcess[str]:
    """Run compose on the checkout's files, with only the variables of the .env file."""
    return subprocess.run(
        [*program(), "--env-file", str(env_file), *arguments],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "HOME": str(env_file.parent)},
        capture_output=True,
        text=True,
        check=False,
        timeout=RUN_SECONDS,
    )


def configured(files: tuple[str, ...], env_file: Path) -> dict[str, Any]:
    done = compose(*files, "config", env_file=env_file)
    assert done.returncode == 0, done.stderr
    services: dict[str, Any] = yaml.safe_load(done.stdout)["services"]
    return services


@pytest.mark.parametrize("files", [BASE, PRODUCTION], ids=["base", "production"])
def test_compose_accepts_the_files_without_a_warning(files: tuple[str, ...], env_file: Path) -> None:
    done = compose(*files, "config", "--quiet", env_file=env_file)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_everything_starts_together(env_file: Path) -> None:
    assert set(configured(BASE, env_file)) == {
        *("kafka", "clickhouse", "migrator", "worker", "sink", "collector"),
        *("prometheus", "node-exporter", "alertmanager", "grafana"),
    }


def test_the_pipeline_starts_alone_without_the_profile(env_file: Path, tmp_path: Path) -> None:
    alone = tmp_path / ".env"
    alone.write_text(env_file.read_text().replace("COMPOSE_PROFILES=observability", "COMPOSE_PROFILES="))
    assert set(configured(BASE, alone)) == {
        "kafka", "clickhouse", "migrator", "worker", "sink", "collector"
    }  # fmt: skip


def test_without_a_cluster_id_the_error_says_what_creates_one(env_file: Path, tmp_path: Path) -> None:
    bare = tmp_path / ".env"
    bare.write_text("".join(line for line in env_file.open() if not line.startswith("KAFKA_CLUSTER_ID")))
    done = compose(*BASE, "config", "--quiet", env_file=bare)
    assert done.returncode != 0
    assert "deploy/secrets.sh" in done.stderr


def test_production_is_merged_as_intended(env_file: Path) -> None:
    services = configured(PRODUCTION, env_file)
    brokers = [services[name] for name in ("kafka", "kafka-2", "kafka-3")]
    own = {"KAFKA_NODE_ID", "KAFKA_ADVERTISED_LISTENERS"}
    shared = [{k: v for k, v in each["environment"].items() if k not in own} for each in brokers]
    assert shared[0] == shared[1] == shared[2]
    assert shared[0]["KAFKA_MIN_INSYNC_REPLICAS"] == "2"
    assert len({each["volumes"][0]["source"] for each in brokers}) == 3
    assert all(len(each["volumes"]) == len(each["ports"]) == 1 for each in brokers)
    assert len({each["ports"][0]["published"] for each in brokers}) == 3
    assert [port["target"] for port in services["clickhouse"]["ports"]] == [8443]
    assert services["worker"]["environment"]["IMPRESSIONS_KAFKA_BOOTSTRAP"] == "kafka:9092,kafka-2:9092,kafka-3:9092"
    for service in services.values():
        assert all(port["host_ip"] == "127.0.0.1" for port in service.get("ports", []))


def test_a_setting_reaches_our_processes_only_if_env_has_it(env_file: Path, tmp_path: Path) -> None:
    with_lateness = tmp_path / ".env"
    with_lateness.write_text(
        env_file.read_text().replace("#IMPRESSIONS_LATENESS_SECONDS=86400", "IMPRESSIONS_LATENESS_SECONDS=60")
    )
    for name in ("migrator", "worker", "sink", "collector"):
        environment = configured(PRODUCTION, with_lateness)[name]["environment"]
        assert environment["IMPRESSIONS_LATENESS_SECONDS"] == "60"
        # Null: the variable is not set in the container.
        assert environment["IMPRESSIONS_STALL_SECONDS"] is None


def test_brokers_of_production_listen_where_env_says_and_nothing_else_does(env_file: Path, tmp_path: Path) -> None:
    opened = tmp_path / ".env"
    opened.write_text(env_file.read_text().replace("#KAFKA_BIND=127.0.0.1", "KAFKA_BIND=0.0.0.0"))
    where = {
        name: {port["host_ip"] for port in service.get("ports", [])}
        for name, service in configured(PRODUCTION, opened).items()
    }
    assert {name for name, found in where.items() if found == {"0.0.0.0"}} == {"kafka", "kafka-2", "kafka-3"}
    assert all(found <= {"127.0.0.1"} for name, found in where.items() if not name.startswith("kafka"))
    assert {port["host_ip"] for port in configured(BASE, opened)["kafka"]["ports"]} == {"127.0.0.1"}


def test_a_dollar_reaches_the_broker_unchanged(env_file: Path) -> None:
    """Kafka itself reads the passwords, by names that compose must not mistake for variables."""
    login = configured(PRODUCTION, env_file)["kafka"]["environment"][
        "KAFKA_LISTENER_NAME_INTERNAL_PLAIN_SASL_JAAS_CONFIG"
    ]
    # `config` prints a dollar as two.
    assert 'password="$${secret:/run/secrets:kafka_broker}"' in login
