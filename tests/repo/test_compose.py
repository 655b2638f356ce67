"""The compose files: what they name exists, what they wait for can be waited for, and nothing is exposed needlessly."""

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from streams.settings import Settings
from tests.support.compose_file import BASE, PRODUCTION, ROOT, filled, load, variables

FILES = {"base": load(BASE), "production": load(PRODUCTION)}
SERVICES: dict[str, dict[str, Any]] = FILES["base"]["services"]
ALL = [(file, name) for file, loaded in FILES.items() for name in loaded["services"]]
OURS = {name for name, service in SERVICES.items() if service["image"].startswith("impression-streams:")}
IN_EXAMPLE = dict(re.findall(r"^#?(\w+)=(.*)$", (ROOT / ".env.example").read_text(), re.MULTILINE))


def merged(name: str) -> dict[str, Any]:
    """What a test needs of a service in production: lists are concatenated, mappings are merged."""
    base = SERVICES.get(name) or SERVICES[FILES["production"]["services"][name]["extends"]["service"]]
    result = dict(base)
    for key, value in FILES["production"]["services"].get(name, {}).items():
        if isinstance(value, dict):
            result[key] = {**base.get(key, {}), **value}
        elif isinstance(value, list) and key != "ports":
            result[key] = [*base.get(key, []), *value]
        else:
            result[key] = value
    return result


def secret_names(service: dict[str, Any]) -> dict[str, str]:
    """A service's secrets: the name and path of each."""
    given = (s if isinstance(s, dict) else {"source": s, "target": s} for s in service.get("secrets", []))
    return {each["source"]: f"/run/secrets/{each['target']}" for each in given}


def ignored(path: str) -> bool:
    return subprocess.run(["git", "check-ignore", "-q", path], cwd=ROOT, check=False).returncode == 0


@pytest.mark.parametrize("file", FILES)
def test_composes_own_schema_accepts_each_file(file: str, tmp_path: Path) -> None:
    plain = tmp_path / "compose.json"
    plain.write_text(json.dumps(FILES[file]))
    check = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(plain)]
    done = subprocess.run(check, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_schema_refuses_a_misspelt_key(tmp_path: Path) -> None:
    plain = tmp_path / "compose.json"
    plain.write_text(json.dumps({"services": {"worker": {"image": "x", "read_onyl": True}}}))
    check = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(plain)]
    assert subprocess.run(check, capture_output=True, check=False, timeout=120).returncode == 1


def test_the_services_are_exactly_these() -> None:
    assert set(SERVICES) == {
        *("kafka", "clickhouse", "migrator", "worker", "sink", "collector"),
        *("prometheus", "node-exporter", "alertmanager", "grafana"),
    }
    assert {"migrator", "worker", "sink", "collector"} == OURS
    observability = {name for name, service in SERVICES.items() if service.get("profiles") == ["observability"]}
    assert observability == {"prometheus", "node-exporter", "alertmanager", "grafana"}
    assert set(FILES["production"]["services"]) - set(SERVICES) == {"kafka-2", "kafka-3"}


@pytest.mark.parametrize(("file", "name"), ALL)
def test_nothing_keeps_a_service_from_being_scaled_or_moved(file: str, name: str) -> None:
    assert "version" not in FILES[file]
    assert "container_name" not in FILES[file]["services"][name]


@pytest.mark.parametrize("name", SERVICES)
def test_images_are_named_by_a_full_version(name: str) -> None:
    """And by a digest, once `tools.pin_images` has added it."""
    assert re.fullmatch(r"[\w./-]+:v?\d+\.\d+\.\d+[\w.-]*(@sha256:[0-9a-f]{64})?", SERVICES[name]["image"])


def test_image_versions_are_those_that_the_tests_use() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert {SERVICES[name]["image"] for name in OURS} == {f"impression-streams:{project}"}
    pom = (ROOT / "streams" / "embedded" / "kafka" / "pom.xml").read_text()
    (kafka,) = re.findall(r"<kafka\.version>(.+)</kafka\.version>", pom)
    assert SERVICES["kafka"]["image"].partition("@")[0] == f"apache/kafka:{kafka}"
    (engine,) = re.findall(r"^chdb-core==(\d+\.\d+)", (ROOT / "requirements.lock").read_text(), re.MULTILINE)
    assert SERVICES["clickhouse"]["image"].startswith(f"clickhouse/clickhouse-server:{engine}.")


@pytest.mark.parametrize(("file", "name"), ALL)
def test_ports_are_published_on_this_machine_only(file: str, name: str) -> None:
    for port in FILES[file]["services"][name].get("ports", []):
        assert filled(port).startswith("127.0.0.1:")


@pytest.mark.parametrize(("file", "name"), ALL)
def test_every_mounted_file_exists(file: str, name: str) -> None:
    for volume in FILES[file]["services"][name].get("volumes", []):
        source = volume.split(":")[0]
        if source.startswith("."):
            assert (ROOT / source).exists(), f"{source} of {name}"
            assert volume.endswith(":ro")
        else:
            assert source in FILES["base"]["volumes"] | FILES["production"]["volumes"]


@pytest.mark.parametrize(("file", "name"), ALL)
def test_every_service_that_others_wait_for_has_a_healthcheck_or_ends(file: str, name: str) -> None:
    known = SERVICES | {each: SERVICES["kafka"] for each in ("kafka-2", "kafka-3") if file == "production"}
    for other, how in FILES[file]["services"][name].get("depends_on", {}).items():
        if how["condition"] == "service_healthy":
            assert "test" in known[other]["healthcheck"], f"{name} waits for {other}"
        else:
            assert how["condition"] == "service_completed_successfully"
            assert other == "migrator"


def test_workers_sinks_and_collectors_start_after_the_migrator() -> None:
    for name in ("worker", "sink", "collector"):
        assert SERVICES[name]["depends_on"]["migrator"] == {"condition": "service_completed_successfully"}


@pytest.mark.parametrize("name", sorted(OURS))
def test_our_own_image_runs_without_privileges(name: str) -> None:
    service = SERVICES[name]
    assert service["user"] == "10001:10001"
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_has_limits(name: str) -> None:
    limits = SERVICES[name]["deploy"]["resources"]["limits"]
    assert set(limits) == {"cpus", "memory"}
    assert SERVICES[name]["logging"]["options"]["max-size"]
    assert SERVICES[name]["stop_grace_period"]
    assert SERVICES[name]["restart"]


def test_two_workers_find_their_own_index() -> None:
    assert SERVICES["worker"]["deploy"]["replicas"] == 2
    assert SERVICES["worker"]["command"] == ["worker", "--index", "auto"]
    assert SERVICES["sink"]["command"] == ["sink", "--index", "auto"]


def test_a_collector_wants_tokens() -> None:
    for name in ("base", "production"):
        environment = (merged("collector") if name == "production" else SERVICES["collector"])["environment"]
        assert environment["IMPRESSIONS_TOKEN_KEY_FILE"] in secret_names(SERVICES["collector"]).values()
        assert "IMPRESSIONS_COLLECTOR_WITHOUT_TOKENS" not in environment


@pytest.mark.parametrize(("file", "name"), ALL)
def test_secrets_are_files_that_git_ignores(file: str, name: str) -> None:
    service = merged(name) if file == "production" else SERVICES[name]
    declared = FILES["base"]["secrets"] | (FILES["production"]["secrets"] if file == "production" else {})
    for each in secret_names(service):
        path = declared[each]["file"]
        assert path.startswith("./secrets/")
        assert ignored(path), f"{path} could be committed"
        assert f"`{path.removeprefix('./secrets/')}`" in (ROOT / "secrets" / "README.md").read_text()
    assert not ignored("secrets/README.md")


@pytest.mark.parametrize(("file", "name"), ALL)
def test_every_secret_that_a_service_names_is_mounted(file: str, name: str) -> None:
    service = merged(name) if file == "production" else SERVICES[name]
    text = json.dumps(service.get("environment", {}))
    named = set(re.findall(r"/run/secrets/[\w.]+", text))
    named |= {f"{path}/{key}" for path, key in re.findall(r"\$\$\{secret:([\w/]+):(\w+)\}", text)}
    assert named - {"/run/secrets"} <= set(secret_names(service).values())


@pytest.mark.parametrize(("file", "name"), ALL)
def test_passwords_come_from_files_only(file: str, name: str) -> None:
    for variable, value in FILES[file]["services"][name].get("environment", {}).items():
        if re.search(r"PASSWORD|SECRET|TOKEN", variable) and "PROVIDERS" not in variable:
            assert str(value).startswith("/run/secrets/")
            assert variable.endswith("_FILE")


def test_every_variable_that_the_files_read_is_in_the_example() -> None:
    used = variables(FILES["base"]) | variables(FILES["production"])
    assert {kind for _, kind in used} == {"-", "?"}
    assert {name for name, kind in used if kind == "?"} == {"KAFKA_CLUSTER_ID", "KAFKA_HOST"}
    # What is given without a value comes from there, too.
    passed = {n for each in SERVICES.values() for n, v in each.get("environment", {}).items() if v is None}
    of_compose = {"COMPOSE_PROFILES"}
    assert set(IN_EXAMPLE) == {name for name, _ in used} | passed | of_compose


def test_defaults_of_the_example_are_those_in_force() -> None:
    texts = [(ROOT / file).read_text() for file in ("docker-compose.yml", "docker-compose.production.yml")]
    defaults = dict(re.findall(r"\$\{(\w+):-([^}]*)\}", texts[1] + texts[0]))
    for name, default in defaults.items():
        assert IN_EXAMPLE[name] == default
    settings = {variable: Settings.model_fields[name].default for name, variable in Settings.variables().items()}
    for name in IN_EXAMPLE.keys() & settings.keys():
        assert IN_EXAMPLE[name] == str(settings[name])


def test_every_setting_is_in_the_example_or_said_to_be_given_elsewhere() -> None:
    text = (ROOT / ".env.example").read_text()
    given, none = text.split("# Not read from here:")[1].split("# Not for containers:")
    given_names, no_names = (set(re.findall(r"\bIMPRESSIONS_[A-Z_]+", part)) for part in (given, none))
    read = {name for name in IN_EXAMPLE if name.startswith("IMPRESSIONS_")}
    assert sorted([*given_names, *no_names, *read]) == sorted(Settings.variables().values())
    # It is as it says: compose or the image gives the one, and neither gives the other.
    from_compose = {n for name in OURS for n, v in merged(name)["environment"].items() if v is not None}
    image = set(re.findall(r"\bIMPRESSIONS_[A-Z_]+", (ROOT / "Dockerfile").read_text()))
    assert given_names <= from_compose | image
    assert not no_names & (from_compose | image)
    assert all(read <= set(SERVICES[name]["environment"]) for name in OURS)


@pytest.mark.parametrize(("name", "port"), [("kafka", 9092), ("kafka-2", 9192), ("kafka-3", 9292)])
def test_outside_programs_reach_each_broker_where_it_says_it_is(name: str, port: int) -> None:
    """A client connects to what a broker advertises, so exactly that must be published."""
    service = FILES["production"]["services"][name]
    environment = merged(name)["environment"]
    (published,) = service["ports"]
    bound = dict(each.split("://") for each in environment["KAFKA_LISTENERS"].split(","))
    for values, address in (
        ({}, "127.0.0.1"),
        ({"KAFKA_BIND": "0.0.0.0", "KAFKA_PORT": "1", "KAFKA_2_PORT": "1", "KAFKA_3_PORT": "1"}, "0.0.0.0"),
    ):
        told = filled(environment["KAFKA_ADVERTISED_LISTENERS"], KAFKA_HOST="kafka.example.com", **values)
        outside = dict(each.split("://") for each in told.split(","))["HOST"]
        number = int(values.get("KAFKA_PORT", port))
        assert outside == f"kafka.example.com:{number}"
        assert filled(published, **values) == f"{address}:{number}{bound['HOST']}"
    # Nobody without a login: what listens there asks for one.
    protocols = dict(each.split(":") for each in environment["KAFKA_LISTENER_SECURITY_PROTOCOL_MAP"].split(","))
    assert protocols["HOST"] == "SASL_SSL"


def test_without_logins_brokers_are_published_on_this_machine_whatever_env_says() -> None:
    assert "KAFKA_BIND" not in {name for name, _ in variables(FILES["base"])}


def test_every_setting_given_to_a_process_exists() -> None:
    known = set(Settings.variables().values())
    for name in OURS:
        given = {each for each in merged(name)["environment"] if each.startswith("IMPRESSIONS_")}
        assert given
        assert given <= known


def test_production_has_three_brokers_and_two_confirm_every_record() -> None:
    brokers = [merged(name)["environment"] for name in ("kafka", "kafka-2", "kafka-3")]
    assert [each["KAFKA_NODE_ID"] for each in brokers] == ["1", "2", "3"]
    for each in brokers:
        assert each["KAFKA_DEFAULT_REPLICATION_FACTOR"] == "3"
        assert each["KAFKA_MIN_INSYNC_REPLICAS"] == "2"
        protocols = each["KAFKA_LISTENER_SECURITY_PROTOCOL_MAP"].split(",")
        assert {protocol.split(":")[1] for protocol in protocols} == {"SASL_SSL"}
    for name in OURS:
        environment = merged(name)["environment"]
        assert environment["IMPRESSIONS_KAFKA_SECURITY_PROTOCOL"] == "SASL_SSL"
        assert environment["IMPRESSIONS_CLICKHOUSE_URL"].startswith("https://")
        assert environment["IMPRESSIONS_REPLICATION_FACTOR"] == "3"
        assert {"kafka-2", "kafka-3"} <= set(merged(name)["depends_on"])


def test_no_transaction_may_last_longer_than_a_minute() -> None:
    """Nor may a worker want a longer one: its producer would be refused."""
    (most,) = (each.le for each in Settings.model_fields["transaction_timeout_seconds"].metadata if hasattr(each, "le"))
    embedded = (ROOT / "streams" / "embedded" / "kafka" / "server.properties").read_text()
    brokers = [merged(name)["environment"] for name in ("kafka", "kafka-2", "kafka-3")]
    assert {each["KAFKA_TRANSACTION_MAX_TIMEOUT_MS"] for each in brokers} == {"60000"}
    assert re.findall(r"^transaction\.max\.timeout\.ms=(.+)$", embedded, re.MULTILINE) == ["60000"]
    assert most * 1000 == 60_000
