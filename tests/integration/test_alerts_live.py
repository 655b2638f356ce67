"""Faults on a real stack, seen by a real Prometheus with the project's own alerts and shortened waiting times."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from confluent_kafka import Producer
from confluent_kafka.admin import NewPartitions

from dashboards.observers import FOLDER, Observers, observing
from streams.clickhouse.client import connect
from streams.embedded import stack
from streams.embedded.components import component, http_get
from streams.kafka.admin import admin
from streams.kafka.names import IMPRESSIONS
from streams.settings import Settings
from tests.support import debian, load
from tests.support.load import Raw, at_home, flush, impression, now_ms
from tests.support.stack import produce_catalogue, stack_settings
from tests.support.wait import until

pytestmark = pytest.mark.integration

# Half a minute until the sink asks again, plus the delays of a loaded machine.
FIRES_SECONDS = 150.0
# A broker that hung is first fenced by its own controller, and then everyone joins again.
RETURNS_SECONDS = 90.0
KAFKA_SECONDS = 30.0
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
    """Write the alerts with waiting times of seconds and everything else unchanged.

    Only the alert that looks at five minutes without a decision looks at one, which is four answers of the brokers.
    """
    rules = yaml.safe_load((FOLDER / "rules.yml").read_text())
    for rule in (rule for group in rules["groups"] for rule in group["rules"] if "for" in rule):
        rule["for"] = "3s"
        if rule["alert"] == "ImpressionsNothingDecided":
            rule["expr"] = rule["expr"].replace("[5m]", "[1m]").replace("< 300", "< 10")
            assert "[1m]" in rule["expr"]
            assert "< 10" in rule["expr"]
    path.write_text(yaml.safe_dump(rules))
    return path


def firing(observers: Observers) -> set[str]:
    return {alert["labels"]["alertname"] for alert in observers.alerts() if alert["state"] == "firing"}


def values(observers: Observers, alert: str, label: str) -> set[str]:
    """The values of a label of an alert that fires."""
    found = (each["labels"] for each in observers.alerts() if each["state"] == "firing")
    return {labels[label] for labels in found if labels["alertname"] == alert}


def decided(settings: Settings, observers: Observers, user: str) -> None:
    """Send an impression of a user, and return once a worker has decided one more line of that user's partition."""
    lines = f'sum(impressions_worker_lines_total{{partition="{load.home(user)}"}})'

    def count() -> float:
        return sum(float(row["value"][1]) for row in observers.query(lines))

    before = count()
    load.produce(settings, [at_home(user, flush(user, [impression("a0001", now_ms())]))])
    until(lambda: count() > before, RETURNS_SECONDS, "the line is decided")


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


def test_the_watch_itself_is_alive(observers: Observers) -> None:
    until(lambda: "ImpressionsWatchdog" in firing(observers), FIRES_SECONDS, "the alert that always fires")


def test_an_open_transaction_of_a_producer_is_reported_until_it_ends(settings: Settings, observers: Observers) -> None:
    assert "ImpressionsSourceUnreadable" not in firing(observers)
    producer = Producer(
        {
            "bootstrap.servers": settings.kafka_bootstrap,
            "transactional.id": "someone-else",
            # The longest that the broker grants.
            "transaction.timeout.ms": 60_000,
        }
    )
    producer.init_transactions(KAFKA_SECONDS)
    producer.begin_transaction()
    user = "after-it"
    producer.produce(IMPRESSIONS, flush("within-it", [impression("a0002", now_ms())]), partition=load.home(user))
    producer.flush(KAFKA_SECONDS)
    until(lambda: "ImpressionsSourceUnreadable" in firing(observers), FIRES_SECONDS, "the open transaction is reported")
    assert values(observers, "ImpressionsSourceUnreadable", "partition") == {str(load.home(user))}
    # Nothing is wrong with the worker.
    assert not firing(observers) & {"ImpressionsNoProgress", "ImpressionsNotReady", "ImpressionsBrokerAway"}
    producer.abort_transaction(KAFKA_SECONDS)
    decided(settings, observers, user)
    until(lambda: "ImpressionsSourceUnreadable" not in firing(observers), FIRES_SECONDS, "it is over")


def test_a_worker_that_hangs_while_producers_send_is_reported_until_it_goes_on(
    settings: Settings, observers: Observers
) -> None:
    gone = {"ImpressionsNothingDecided", "ImpressionsTargetDown"}
    # Behind the open transaction of the test before, nothing was decided either; a minute may pass until that is over.
    until(lambda: not firing(observers) & gone, FIRES_SECONDS, "nothing is left of the test before")
    worker, user = component("worker-0", settings).program, "sends"
    worker.send(signal.SIGSTOP)
    try:
        until(lambda: "ImpressionsTargetDown" in firing(observers), FIRES_SECONDS, "it doesn't answer")
        load.produce(settings, [at_home(user, flush(user, [impression("a0001", now_ms())]))])
        until(
            # And perhaps of partitions to which the tests before have sent within the minute.
            lambda: str(load.home(user)) in values(observers, "ImpressionsNothingDecided", "partition"),
            FIRES_SECONDS,
            "nobody decides what comes",
        )
    finally:
        worker.send(signal.SIGCONT)
    until(lambda: not firing(observers) & gone, FIRES_SECONDS, "it goes on")


def test_a_broker_that_hangs_is_reported_by_all_until_it_returns(settings: Settings, observers: Observers) -> None:
    assert "ImpressionsBrokerAway" not in firing(observers)
    broker = component("kafka", settings).program
    broker.send(signal.SIGSTOP)
    try:
        until(
            lambda: values(observers, "ImpressionsBrokerAway", "job") == {"worker", "sink"},
            FIRES_SECONDS,
            "worker and sink miss the broker",
        )
        assert {http_get(component(name, settings).address, "/readyz") for name in ("worker-0", "sink-0")} == {None}
    finally:
        broker.send(signal.SIGCONT)
    until(lambda: "ImpressionsBrokerAway" not in firing(observers), RETURNS_SECONDS, "the broker is back")
    decided(settings, observers, "returned")


def test_a_partition_without_a_state_is_reported_and_the_others_go_on(settings: Settings, observers: Observers) -> None:
    """The last test here: a topic never gets smaller again."""
    assert "ImpressionsPartitionUntaken" not in firing(observers)
    (grown,) = admin(settings).create_partitions([NewPartitions(IMPRESSIONS, load.PARTITIONS + 1)]).values()
    grown.result(KAFKA_SECONDS)
    until(lambda: "ImpressionsPartitionUntaken" in firing(observers), RETURNS_SECONDS, "the partition is reported")
    assert values(observers, "ImpressionsPartitionUntaken", "partition") == {str(load.PARTITIONS)}
    assert values(observers, "ImpressionsPartitionUntaken", "kind") == {"refuse"}
    until(lambda: values(observers, "ImpressionsNotReady", "job") == {"worker"}, FIRES_SECONDS, "nor is it ready")
    for partition in range(load.PARTITIONS):
        decided(settings, observers, load.user_at(partition, "goes-on"))
