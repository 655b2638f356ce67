"""Faults on a real stack, seen by a real Prometheus with the project's own alerts and shortened waiting times."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from dashboards.observers import FOLDER, Observers, observing
from streams.clickhouse.client import connect
from streams.embedded import stack
from streams.embedded.components import component
from streams.settings import Settings
from tests.support import debian, load
from tests.support.load import Raw, at_home, flush, impression, now_ms
from tests.support.stack import produce_catalogue, stack_settings
from tests.support.wait import until

pytestmark = pytest.mark.integration

# Half a minute until the sink asks again, plus the delays of a loaded machine.
FIRES_SECONDS = 150.0
ARTWORKS = 10


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    settings = stack_settings(tmp_path_factory.mktemp("alerts"))
    try:
        stack.up(settings, out=lambda _: None)
        produce_catalogue(settings, [(f"a{n:04d}", {"pool_id": "small", "ordinal": n}) for n in range(ARTWORKS)])
        yield settings
    finally:
        stack.down(settings, out=lambda _: None)


@pytest.fixture(scope="module")
def observers(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Observers]:
    for name, package in (("prometheus", "prometheus"), ("prometheus-alertmanager", "prometheus-alertmanager")):
        debian.program(name, package)
    folder = tmp_path_factory.mktemp("observers")
    targets = {"worker": [f"127.0.0.1:{settings.metrics_port}"], "sink": [f"127.0.0.1:{settings.metrics_port + 1}"]}
    with observing(folder / "run", targets, rules=hasty(folder / "rules.yml"), alertmanager=True) as observers:
        until(lambda: len(observers.query("up == 1")) == len(targets), FIRES_SECONDS, "both are scraped")
        yield observers


def hasty(path: Path) -> Path:
    """Write the alerts with waiting times of seconds and everything else unchanged."""
    rules = yaml.safe_load((FOLDER / "rules.yml").read_text())
    for rule in (rule for group in rules["groups"] for rule in group["rules"] if "for" in rule):
        rule["for"] = "3s"
    path.write_text(yaml.safe_dump(rules))
    return path


def firing(observers: Observers) -> set[str]:
    return {alert["labels"]["alertname"] for alert in observers.alerts() if alert["state"] == "firing"}


def test_a_flood_of_malformed_input_and_an_exhausted_pool_fire_alerts(settings: Settings, observers: Observers) -> None:
    assert not firing(observers) & {"ImpressionsRejectedSpike", "ImpressionsPoolExhaustion"}
    everything = [impression(f"a{n:04d}", now_ms()) for n in range(ARTWORKS)]
    load.produce(settings, [at_home("through", flush("through", everything))])
    load.produce(settings, [Raw(n % 4, b"nothing") for n in range(40)])
    writer = connect(settings)
    coverage = f"SELECT count() FROM {settings.clickhouse_database}.user_coverage"
    until(lambda: writer.command(coverage), FIRES_SECONDS, "ClickHouse has it")
    # Refresh now instead of waiting for the minute to pass.
    writer.command(f"SYSTEM REFRESH VIEW {settings.clickhouse_database}.users_refresh")
    until(lambda: "ImpressionsRejectedSpike" in firing(observers), FIRES_SECONDS, "the flood is reported")
    until(lambda: "ImpressionsPoolExhaustion" in firing(observers), FIRES_SECONDS, "the exhausted pool is reported")
    ((pool,),) = (
        [alert["labels"]["pool"]] for alert in observers.alerts() if "Exhaustion" in alert["labels"]["alertname"]
    )
    assert pool == "small"
    # It follows that no user has anything fresh either, which must not be reported as well.
    until(lambda: "ImpressionsFreshnessLow" in observers.inhibited(), FIRES_SECONDS, "the consequence is inhibited")
    assert "ImpressionsPoolExhaustion" not in observers.inhibited()


def test_an_alert_fires_while_clickhouse_is_down_and_ends_on_its_return(
    settings: Settings, observers: Observers
) -> None:
    assert "ImpressionsSinkWaiting" not in firing(observers)
    component("clickhouse", settings).program.stop()
    load.produce(settings, [at_home("away", flush("away", [impression("a0001", now_ms())]))])
    until(lambda: "ImpressionsSinkWaiting" in firing(observers), FIRES_SECONDS, "the outage is reported")
    # Worker and coverage continue meanwhile.
    ((ready,),) = ([row["value"][1]] for row in observers.query("impressions_worker_ready"))
    assert ready == "1"
    stack.up(settings, ["clickhouse"], out=lambda _: None)
    until(lambda: "ImpressionsSinkWaiting" not in firing(observers), FIRES_SECONDS, "the outage is over")
