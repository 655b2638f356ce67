"""The production override's brokers: TLS, logins, three replicas, and all our clients connecting through them."""

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient, ConfigResource, ResourceType

from impression_streams.client import connection
from streams.clickhouse.client import connect
from streams.embedded.components import environment
from streams.errors import Kind, UserError
from streams.kafka import names
from streams.kafka.admin import describe
from streams.kafka.client import cluster, security
from streams.provision.run import provision
from streams.sdk import ImpressionProducer
from streams.settings import Settings
from tests.support.clickhouse import running_engine
from tests.support.secured import Broker, running_brokers
from tests.support.sink import SinkProcess
from tests.support.sink_stack import SESSION_SECONDS
from tests.support.stack import metrics_port
from tests.support.wait import until
from tests.support.worker import WorkerProcess

# Three brokers share two cores with other tests.
pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]

START_SECONDS = 120.0
ROWS_SECONDS = 120.0
Running = tuple[Settings, list[Broker], SinkProcess]
DAY_SECONDS = 86_400.0


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """The brokers and ClickHouse, provisioned, with a worker and a sink."""
    folder = tmp_path_factory.mktemp("secured")
    with running_brokers(folder) as (client, brokers), running_engine(folder / "clickhouse") as engine:
        settings = engine.settings(**client, metrics_port=metrics_port(), session_timeout_seconds=SESSION_SECONDS)
        until(lambda: len(brokers_of(cluster(settings))) == 3, START_SECONDS, "three brokers have joined")
        provision(settings, False, lambda _: None)
        with SinkProcess(settings, folder) as sink:
            worker = WorkerProcess(settings).start()
            try:
                worker.wait_ready()
                sink.wait_ready()
                yield settings, brokers, sink
            finally:
                worker.kill()


def brokers_of(config: dict[str, str | int | float | bool]) -> dict[int, object]:
    try:
        return dict(AdminClient({**config, "log_level": 0}).list_topics(timeout=5).brokers)
    except KafkaException:
        return {}


def accepted(settings: Settings, user: str) -> int:
    client = connect(settings)
    try:
        query = "SELECT count() FROM impressions.impressions WHERE user_id = {user:String}"
        return int(client.query(query, parameters={"user": user}).result_rows[0][0])
    finally:
        client.close()


def record(settings: Settings, user: str, artworks: int) -> None:
    with ImpressionProducer(settings.kafka_bootstrap, config=security(settings)) as producer:
        for number in range(artworks):
            producer.record(user, f"a{number}")
        # With a broker, a leader is gone and perhaps the controller; others are elected within half a minute.
        producer.close(ROWS_SECONDS)


def test_recorded_impressions_reach_clickhouse(running: Running) -> None:
    settings, _, _ = running
    record(settings, "secured", 10)
    until(lambda: accepted(settings, "secured") == 10, ROWS_SECONDS, "the rows are in ClickHouse")


def test_the_command_line_logs_in_too(running: Running, tmp_path: Path) -> None:
    settings, _, _ = running
    log = tmp_path / "log.csv"
    log.write_text("user_id,artwork_id,seen_at\nplayed,a1,1764000000\nplayed,a2,1764000001\n")
    command = [sys.executable, "-m", "streams", "produce", str(log), "--rebase-to", "now"]
    done = subprocess.run(command, env=environment(settings), capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    until(lambda: accepted(settings, "played") == 2, ROWS_SECONDS, "the rows are in ClickHouse")


def test_topics_have_three_replicas_and_need_two_in_sync(running: Running) -> None:
    settings, _, _ = running
    client = AdminClient(cluster(settings))
    found = client.list_topics(names.IMPRESSIONS, timeout=10).topics[names.IMPRESSIONS]
    assert {len(partition.replicas) for partition in found.partitions.values()} == {3}
    (asked,) = client.describe_configs([ConfigResource(ResourceType.TOPIC, names.IMPRESSIONS)]).values()
    assert asked.result()["min.insync.replicas"].value == "2"


@pytest.mark.parametrize("wrong", ["nothing", "password", "authority"])
def test_clients_without_our_logins_are_refused(running: Running, wrong: str, tmp_path: Path) -> None:
    settings, _, _ = running
    config = {
        "nothing": connection(settings.kafka_bootstrap),
        "password": {**cluster(settings), "sasl.password": "guessed"},
        # The machine's own certificate authorities don't include ours.
        "authority": {name: value for name, value in cluster(settings).items() if name != "ssl.ca.location"},
    }[wrong]
    assert not brokers_of(config)
    assert brokers_of(cluster(settings))


def test_the_sink_reports_when_every_certificate_expires(running: Running) -> None:
    settings, brokers, sink = running
    name = "impressions_certificate_expiry_timestamp_seconds"

    def days() -> dict[str, float]:
        lines = (line for line in sink.metrics().splitlines() if line.startswith(f"{name}{{"))
        found = (line.rpartition(" ") for line in lines)
        return {
            labels.partition('"')[2].rpartition('"')[0]: (float(at) - time.time()) / DAY_SECONDS
            for labels, _, at in found
        }

    until(lambda: len(days()) == len(brokers) + 1, ROWS_SECONDS, "the certificates are read")
    found = days()
    # As deploy/secrets.sh makes them.
    assert found.pop("kafka's authority") == pytest.approx(3650, abs=1)
    assert set(found) == set(settings.kafka_bootstrap.split(","))
    assert list(found.values()) == pytest.approx([730] * len(brokers), abs=1)


@pytest.mark.parametrize("wrong", ["password", "authority"])
def test_our_own_requests_say_that_the_login_is_wrong(running: Running, wrong: str, tmp_path: Path) -> None:
    """Not that no broker answers, as the client has it."""
    settings, *_ = running
    guessed = tmp_path / "guessed"
    guessed.write_text("guessed\n")
    change = {"kafka_password_file": guessed} if wrong == "password" else {"kafka_ca_file": None}
    with pytest.raises(UserError, match="IMPRESSIONS_KAFKA_PASSWORD_FILE and IMPRESSIONS_KAFKA_CA_FILE") as raised:
        describe(settings.model_copy(update=change), names.IMPRESSIONS)
    assert raised.value.kind is Kind.REFUSE


def test_the_cluster_survives_the_loss_of_one_broker(running: Running) -> None:
    settings, brokers, sink = running
    assert sink.metric("impressions_kafka_partitions") == 0
    brokers[2].program.kill()
    record(settings, "survivor", 10)
    until(lambda: accepted(settings, "survivor") == 10, ROWS_SECONDS, "the rows are in ClickHouse")
    state = "impressions_kafka_partitions"
    until(
        lambda: sink.metric(f'{state}{{state="under_replicated"}}'), ROWS_SECONDS, "the missing replicas are reported"
    )
    # Two of three replicas still take records.
    assert sink.metric(f'{state}{{state="under_min_isr"}}') == sink.metric(f'{state}{{state="offline"}}') == 0
