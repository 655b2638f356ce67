"""Alerts: promtool and amtool accept them, each has cases where it fires and does not, a runbook, and real metrics."""

import importlib.util
import mmap
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from streams.metrics import catalogue as metrics
from tests.support.debian import program
from tools import metrics_page

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "dashboards" / "prometheus"
RULES = FOLDER / "rules.yml"
ALERTMANAGER = FOLDER / "alertmanager.yml"
TESTS = sorted((FOLDER / "tests").glob("*.yml"))
# Prometheus's own, of every process that prometheus_client or its like runs in, and node-exporter's.
NOT_OURS = {"up", "process_start_time_seconds", "node_filesystem_avail_bytes", "node_filesystem_size_bytes"}
# As ClickHouse prefixes what it exports.
CLICKHOUSE = re.compile(r"ClickHouse(?:AsyncMetrics|Metrics|ProfileEvents)_(\w+)")
# Always fires, so that someone notices when it doesn't.
WATCHDOG = "ImpressionsWatchdog"
SEVERITIES = {"page", "ticket"}
# Where the runbooks are is a setting of the Prometheus that runs the rules; without it, the path in this repository.
RUNBOOKS = '{{ or $externalLabels.runbooks "docs/operate/runbooks.md" }}'

_groups: list[dict[str, Any]] = yaml.safe_load(RULES.read_text())["groups"]
_rules: list[dict[str, Any]] = [rule for group in _groups for rule in group["rules"]]
ALERTS = {rule["alert"]: rule for rule in _rules if "alert" in rule}
RECORDED = {rule["record"] for rule in _rules if "record" in rule}


def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done


def promtool(*arguments: str | Path) -> str:
    return run(program("promtool", "prometheus"), *arguments).stdout


def amtool(*arguments: str | Path) -> str:
    return run(program("amtool", "prometheus-alertmanager"), *arguments).stdout


def test_promtool_accepts_the_rules() -> None:
    assert f"{len(_rules)} rules found" in promtool("check", "rules", RULES)


@pytest.mark.parametrize("path", TESTS, ids=lambda path: path.stem)
def test_promtool_cases_pass(path: Path) -> None:
    assert "SUCCESS" in promtool("test", "rules", path)


@pytest.mark.parametrize("alert", ALERTS)
def test_each_alert_has_cases_where_it_fires_and_does_not(alert: str) -> None:
    cases = [
        bool(case["exp_alerts"])
        for path in TESTS
        for test in yaml.safe_load(path.read_text())["tests"]
        for case in test["alert_rule_test"]
        if case["alertname"] == alert
    ]
    assert set(cases) == ({True} if alert == WATCHDOG else {True, False})


def exported() -> set[str]:
    names: set[str] = set()
    for registry in (metrics.WORKER, metrics.SINK, metrics.COLLECTOR):
        for metric in metrics_page.of(registry):
            name = metrics_page.exported(metric)
            names |= {name} | {f"{name}_{part}" for part in ("bucket", "count", "sum") if metric._type == "histogram"}
    return names


@pytest.mark.parametrize("rule", _rules, ids=lambda rule: rule.get("alert") or rule["record"])
def test_each_alert_reads_metrics_that_exist(rule: dict[str, Any]) -> None:
    if rule.get("alert") == WATCHDOG:
        assert rule["expr"] == "vector(1)"
        return
    expr = re.sub(r'"[^"]*"', '""', rule["expr"])  # a label's value may look like a metric
    named = set(re.findall(r"\b(?:impressions[a-z0-9_:]*|up|(?:node|process)_\w+|ClickHouse\w+)\b", expr))
    assert named
    assert {name for name in named if not CLICKHOUSE.fullmatch(name)} <= exported() | RECORDED | NOT_OURS


def test_clickhouse_knows_what_alerts_read() -> None:
    """The engine of the tests is the version that compose runs; it has no endpoint of metrics, but all their names."""
    named = {name for rule in _rules for name in CLICKHOUSE.findall(rule["expr"])}
    assert len(named) > 5
    spec = importlib.util.find_spec("chdb")
    assert spec is not None
    assert spec.origin is not None
    (library,) = Path(spec.origin).parent.glob("_chdb*.so")
    with library.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as engine:
        assert {name for name in named if engine.find(name.encode()) < 0} == set()
        assert engine.find(b"NotAMetricOfClickHouse") < 0


def anchor(heading: str) -> str:
    return re.sub(r"[^a-z0-9 -]", "", heading.lower()).replace(" ", "-")


def test_each_alert_has_a_runbook_and_each_runbook_an_alert() -> None:
    text = (ROOT / "docs" / "operate" / "runbooks.md").read_text()
    sections = dict(re.findall(r"^## (.+)\n((?:(?!## ).*\n?)*)", text, flags=re.MULTILINE))
    named = {anchor(heading): set(re.findall(r"\bImpressions[A-Za-z]+", body)) for heading, body in sections.items()}
    linked: dict[str, set[str]] = {}
    for name, rule in ALERTS.items():
        page, _, heading = rule["annotations"]["runbook_url"].partition("#")
        assert page == RUNBOOKS
        linked.setdefault(heading, set()).add(name)
    assert linked == named


def test_one_setting_makes_the_links_to_runbooks_full() -> None:
    config = yaml.safe_load((FOLDER / "prometheus.yml").read_text())
    assert config["global"]["external_labels"] == {"runbooks": "${RUNBOOKS_URL}"}
    # It is there for the links: no alert has it as a label.
    assert config["alerting"]["alert_relabel_configs"] == [{"action": "labeldrop", "regex": "runbooks"}]
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    assert compose["services"]["prometheus"]["environment"] == {"RUNBOOKS_URL": "${RUNBOOKS_URL:-}"}
    assert re.search(r"^RUNBOOKS_URL=", (ROOT / ".env.example").read_text(), re.MULTILINE)


FULL = "https://docs.example.org/runbooks"


@pytest.mark.parametrize(("labels", "page"), [({"runbooks": FULL}, FULL), ({}, "docs/operate/runbooks.md")])
def test_an_alert_links_to_its_runbook_with_and_without_the_setting(
    labels: dict[str, str], page: str, tmp_path: Path
) -> None:
    annotations = ALERTS[WATCHDOG]["annotations"]
    case = {
        "external_labels": labels,
        "interval": "1m",
        "input_series": [],
        "alert_rule_test": [
            {
                "eval_time": "1m",
                "alertname": WATCHDOG,
                "exp_alerts": [
                    {
                        "exp_labels": {"severity": "none"},
                        "exp_annotations": {"summary": annotations["summary"], "runbook_url": f"{page}#watchdog"},
                    }
                ],
            }
        ],
    }
    path = tmp_path / "case.yml"
    path.write_text(yaml.safe_dump({"rule_files": [str(RULES)], "evaluation_interval": "1m", "tests": [case]}))
    assert "SUCCESS" in promtool("test", "rules", path)


def test_the_cases_of_every_alert_expect_a_full_link() -> None:
    for path in TESTS:
        for test in yaml.safe_load(path.read_text())["tests"]:
            assert test["external_labels"] == {"runbooks": FULL}
            for case in test["alert_rule_test"]:
                for expected in case["exp_alerts"]:
                    assert expected["exp_annotations"]["runbook_url"].startswith(f"{FULL}#")


@pytest.mark.parametrize("alert", ALERTS)
def test_each_alert_has_a_severity_and_a_description(alert: str) -> None:
    rule = ALERTS[alert]
    assert rule["labels"]["severity"] in ({"none"} if alert == WATCHDOG else SEVERITIES)
    assert rule["annotations"]["summary"]


def test_amtool_accepts_the_configuration() -> None:
    assert "SUCCESS" in amtool("check-config", ALERTMANAGER)


@pytest.mark.parametrize("alert", ALERTS)
def test_alerts_are_routed_by_severity(alert: str) -> None:
    severity = ALERTS[alert]["labels"]["severity"]
    routed = amtool(
        "config", "routes", "test", f"--config.file={ALERTMANAGER}", f"alertname={alert}", f"severity={severity}"
    )
    assert routed.strip() == ("watchdog" if alert == WATCHDOG else severity)


def test_inhibitions_name_alerts_that_exist() -> None:
    for rule in yaml.safe_load(ALERTMANAGER.read_text())["inhibit_rules"]:
        for matcher in rule["source_matchers"] + rule["target_matchers"]:
            if matcher == 'job=~"worker|sink|collector"':
                continue
            (names,) = re.fullmatch(r'alertname=~?"([A-Za-z|]+)"', matcher).groups()  # type: ignore[union-attr]
            assert set(names.split("|")) <= set(ALERTS)
