"""Prometheus, what it scrapes, and Grafana, as the compose files start them."""

import re
import subprocess

import pytest
import yaml

from tests.repo.test_compose import SERVICES, merged, secret_names
from tests.support.compose_file import ROOT
from tests.support.debian import program


def test_promtool_accepts_the_prometheus_configuration() -> None:
    path = ROOT / "dashboards" / "prometheus" / "prometheus.yml"
    done = subprocess.run(
        [program("promtool", "prometheus"), "check", "config", str(path)],
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def scraped() -> dict[str, set[tuple[str, int]]]:
    """The hosts and ports of each job."""
    jobs: dict[str, set[tuple[str, int]]] = {}
    loaded = yaml.safe_load((ROOT / "dashboards" / "prometheus" / "prometheus.yml").read_text())
    for job in loaded["scrape_configs"]:
        targets = [target for each in job.get("static_configs", []) for target in each["targets"]]
        targets += [f"{n}:{each['port']}" for each in job.get("dns_sd_configs", []) for n in each["names"]]
        jobs[job["job_name"]] = {(host, int(port)) for host, _, port in (each.rpartition(":") for each in targets)}
    alerting = loaded["alerting"]["alertmanagers"][0]["static_configs"][0]["targets"]
    jobs["alerting"] = {(host, int(port)) for host, _, port in (each.rpartition(":") for each in alerting)}
    return jobs


def test_prometheus_scrapes_the_services() -> None:
    jobs = scraped()
    assert {host for targets in jobs.values() for host, _ in targets} <= set(SERVICES) | {"127.0.0.1"}
    assert jobs["worker"] == {("worker", 9101)}
    assert jobs["sink"] == {("sink", 9102)}
    assert jobs["collector"] == {("collector", 8080)}
    assert jobs["clickhouse"] == {("clickhouse", 9363)}
    assert "<port>9363</port>" in (ROOT / "clickhouse" / "config.d" / "impressions.xml").read_text()
    assert jobs["node"] == {("node-exporter", 9100)}
    assert jobs["alerting"] == {("alertmanager", 9093)}


def test_the_disks_of_all_brokers_and_workers_are_watched() -> None:
    volumes = dict(volume.split(":")[:2] for volume in merged("node-exporter")["volumes"])
    assert set(volumes) == {"kafka", "kafka-2", "kafka-3", "workers", "prometheus"}
    assert all(path == f"/volumes/{name}" for name, path in volumes.items())
    # What the alert makes of a mount point is the volume's name.
    rules = (ROOT / "dashboards" / "prometheus" / "rules.yml").read_text()
    assert '"disk", "$1", "mountpoint", "/volumes/(.+)"' in rules


SOURCES = {
    "base": ROOT / "dashboards" / "grafana" / "provisioning" / "datasources" / "datasources.yml",
    "production": ROOT / "dashboards" / "grafana" / "production" / "datasources.yml",
}


@pytest.mark.parametrize("file", SOURCES)
def test_grafana_reads_from_the_services(file: str) -> None:
    sources = {each["type"]: each for each in yaml.safe_load(SOURCES[file].read_text())["datasources"]}
    clickhouse = sources["grafana-clickhouse-datasource"]
    assert clickhouse["jsonData"]["host"] == "clickhouse"
    assert clickhouse["jsonData"]["username"] == "grafana"
    assert clickhouse["jsonData"]["protocol"] == "http"
    assert (clickhouse["jsonData"]["port"], clickhouse["jsonData"].get("secure", False)) == (
        (8443, True) if file == "production" else (8123, False)
    )
    assert sources["prometheus"]["url"] == "http://prometheus:9090"
    assert sources["alertmanager"]["url"] == "http://alertmanager:9093"
    for secret in clickhouse["secureJsonData"].values():
        (path,) = re.fullmatch(r"\$__file\{(.+)\}", secret).groups()  # type: ignore[union-attr]
        assert path in secret_names(merged("grafana") if file == "production" else SERVICES["grafana"]).values()


def test_production_changes_only_the_connection_to_clickhouse() -> None:
    base, production = (yaml.safe_load(path.read_text())["datasources"] for path in SOURCES.values())
    assert base[1:] == production[1:]
    assert {k: v for k, v in base[0].items() if "son" not in k} == {
        k: v for k, v in production[0].items() if "son" not in k
    }
    changed = {k for k, v in production[0]["jsonData"].items() if base[0]["jsonData"].get(k) != v}
    assert changed == {"port", "secure", "tlsAuthWithCACert"}


def test_grafana_shows_the_mounted_dashboards() -> None:
    provider = ROOT / "dashboards" / "grafana" / "provisioning" / "dashboards" / "dashboards.yml"
    (found,) = yaml.safe_load(provider.read_text())["providers"]
    targets = [volume.split(":")[1] for volume in SERVICES["grafana"]["volumes"]]
    assert found["options"]["path"] in targets
    assert found["allowUiUpdates"] is False
    assert SERVICES["grafana"]["environment"]["GF_PLUGINS_PREINSTALL_SYNC"] == "grafana-clickhouse-datasource@4.20.0"
