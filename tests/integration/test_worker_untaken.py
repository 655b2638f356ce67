"""What keeps one partition from being taken or read holds up no other one, and shows: /readyz, metrics, one log line.

These tests need a broker of their own, since the last ones let the source grow for good.
"""

import http.client
import signal
from collections.abc import Iterator

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewPartitions

from streams.embedded.components import component
from streams.kafka.names import IMPRESSIONS, LEDGER
from tests.support.audit import of_user
from tests.support.load import PARTITIONS, Raw, flush, home, impression, now_ms, user_at
from tests.support.stack import Installation, running_installation
from tests.support.wait import until
from tests.support.worker import WorkerProcess

pytestmark = pytest.mark.integration

SECONDS = 90.0
NEW = PARTITIONS
UNTAKEN = f'impressions_worker_partitions_untaken{{kind="refuse",partition="{NEW}"}} 1.0'


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    with running_installation(tmp_path_factory.mktemp("untaken"), clickhouse=False) as installation:
        yield installation


def readyz(worker: WorkerProcess) -> tuple[int, str]:
    connection = http.client.HTTPConnection(worker.settings.metrics_host, worker.settings.metrics_port, timeout=5)
    try:
        connection.request("GET", "/readyz")
        answer = connection.getresponse()
        return answer.status, answer.read().decode().strip()
    finally:
        connection.close()


def metric(worker: WorkerProcess, sample: str) -> float:
    found = [line.rsplit(" ", 1)[1] for line in worker.metrics().splitlines() if line.startswith(f"{sample} ")]
    return float(found[0]) if found else 0.0


def decided(installation: Installation, user: str) -> list[tuple[int, int, int]]:
    """Where a user's lines were judged, and what of them was accepted and forwarded."""
    installation.audit.logs[LEDGER].read_to_end()
    rows = of_user(installation.audit.rows(LEDGER), user)
    return [(row["source_partition"], row["accepted"], row["forwarded"]) for row in rows]


def send(installation: Installation, partition: int, user: str) -> None:
    installation.produce([Raw(partition, flush(user, [impression("a0001", now_ms())]))])


def test_a_partition_behind_an_open_transaction_shows_and_the_others_go_on(installation: Installation) -> None:
    worker, held = installation.worker(), '{partition="0"}'
    producer = Producer(
        {"bootstrap.servers": installation.settings.kafka_bootstrap, "transactional.id": "a-producer-that-hangs"}
    )
    producer.init_transactions(SECONDS)
    producer.begin_transaction()
    producer.produce(IMPRESSIONS, b"{}", partition=0)
    assert producer.flush(SECONDS) == 0
    hidden, free = user_at(0, "hidden"), user_at(1, "free")
    send(installation, 0, hidden)
    send(installation, 1, free)
    until(
        lambda: (
            metric(worker, f"impressions_source_unreadable_offsets{held}") == 2
            and metric(worker, f"impressions_source_unreadable_seconds{held}") > 0
        ),
        SECONDS,
        "what can't be read shows",
    )
    assert metric(worker, f"impressions_worker_lag{held}") == 2, "although no fetch returns anything"
    until(lambda: decided(installation, free) == [(1, 1, 0)], SECONDS, "the other partitions go on")
    assert decided(installation, hidden) == []

    producer.abort_transaction(SECONDS)
    until(lambda: decided(installation, hidden) == [(0, 1, 0)], SECONDS, "the line is decided")
    until(
        lambda: (
            metric(worker, f"impressions_source_unreadable_offsets{held}") == 0
            and metric(worker, f"impressions_worker_lag{held}") == 0
        ),
        SECONDS,
        "nothing is hidden or left",
    )


def test_a_broker_that_hangs_makes_the_worker_unready(installation: Installation) -> None:
    worker = installation.worker(session_timeout_seconds=2)
    assert metric(worker, "impressions_broker_away_seconds") == 0
    broker = component("kafka", installation.settings).program
    broker.send(signal.SIGSTOP)
    try:
        until(lambda: readyz(worker)[0] == 503, SECONDS, "the worker is not ready")
        assert "No Kafka broker has answered for" in readyz(worker)[1]
        assert metric(worker, "impressions_broker_away_seconds") > 2
    finally:
        broker.send(signal.SIGCONT)
    until(lambda: readyz(worker) == (200, "ready"), SECONDS, "the worker is ready again")
    assert metric(worker, "impressions_broker_away_seconds") == 0
    installation.reset_audit()


def test_a_source_that_grows_under_a_running_worker(installation: Installation) -> None:
    worker = installation.worker()
    admin = AdminClient({"bootstrap.servers": installation.settings.kafka_bootstrap})
    admin.create_partitions([NewPartitions(IMPRESSIONS, PARTITIONS + 1)])[IMPRESSIONS].result(SECONDS)
    until(lambda: UNTAKEN in worker.metrics(), SECONDS, "the new partition is refused")
    status, why = readyz(worker)
    assert status == 503
    assert f"impressions.v1-{NEW} can't be taken (refuse): partition {NEW} has no state" in why
    assert "`impressions provision` says how to go on" in why
    decides_for_the_old_partitions(installation, worker, "grown")
    assert worker.partitions() == PARTITIONS
    said = worker.output()
    assert said.count('"partition_refused"') == 1
    assert '"partition_waits"' not in said


def test_a_worker_that_starts_on_a_source_that_has_grown(installation: Installation) -> None:
    installation.no_worker()
    worker = WorkerProcess(installation.settings).start()
    try:
        until(lambda: UNTAKEN in worker.metrics() and worker.partitions() == PARTITIONS, SECONDS, "it has the old ones")
        assert metric(worker, "impressions_worker_ready") == 0
        decides_for_the_old_partitions(installation, worker, "started")
        assert worker.stop() == 0
    finally:
        worker.kill()


def test_a_source_that_grows_while_its_worker_is_away(installation: Installation) -> None:
    """The worker comes back within its session, and gets the assignment that it had before."""
    installation.no_worker()
    worker = WorkerProcess(installation.settings).start()
    try:
        until(lambda: UNTAKEN in worker.metrics() and worker.partitions() == PARTITIONS, SECONDS, "it has the old ones")
        worker.kill()
        admin = AdminClient({"bootstrap.servers": installation.settings.kafka_bootstrap})
        admin.create_partitions([NewPartitions(IMPRESSIONS, NEW + 2)])[IMPRESSIONS].result(SECONDS)
        worker.start()
        newer = UNTAKEN.replace(f'"{NEW}"', f'"{NEW + 1}"')
        until(lambda: newer in worker.metrics(), SECONDS, "the newer partition has an owner too, who refuses it")
    finally:
        worker.kill()


def decides_for_the_old_partitions(installation: Installation, worker: WorkerProcess, prefix: str) -> None:
    """Users keep the partitions that they had before the source grew, and what is sent to others is forwarded there."""
    users = [user_at(number, f"{prefix}-{number}") for number in range(PARTITIONS)]
    stray = user_at(0, f"{prefix}-stray")
    for user in users:
        send(installation, home(user), user)
    send(installation, 1, stray)
    homes = [[(number, 1, 0)] for number in range(PARTITIONS)]
    until(lambda: [decided(installation, user) for user in users] == homes, SECONDS, "every user's line is decided")
    until(lambda: sorted(decided(installation, stray)) == [(0, 1, 0), (1, 0, 1)], SECONDS, "the stray is forwarded")
    assert worker.is_running
