"""ImpressionProducer while the broker hangs, dies and comes back, or stays down."""

import ctypes
import signal
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from threading import Event, Thread

import confluent_kafka
import pytest
from confluent_kafka import KafkaError, Producer

from impression_streams import Delivery, ImpressionProducer, UndeliveredError
from impression_streams.sender import KafkaSender
from streams.embedded.components import component
from streams.embedded.program import Program
from streams.settings import Settings
from tests.support.kafka import running_broker, start_broker
from tests.support.sdk import create_topic, impression_ids, read_all
from tests.support.wait import until

pytestmark = pytest.mark.integration


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Settings]:
    with running_broker(tmp_path) as settings:
        create_topic(settings, "impressions.v1")
        yield settings


def process(settings: Settings) -> Program:
    return component("kafka", settings).program


class Recorder:
    """Record from a thread without pause until told to stop."""

    def __init__(self, producer: ImpressionProducer) -> None:
        self.ids: list[str] = []
        self._producer = producer
        self._stop = Event()
        self._thread = Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        while not self._stop.wait(0.001):
            self.ids.append(self._producer.record(f"u{len(self.ids) % 7}", "a1"))

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()


def test_nothing_is_lost_when_the_broker_hangs_and_is_killed(broker: Settings) -> None:
    deliveries: list[Delivery] = []
    # A request that hangs is given up soon, so the producer's own retries run too.
    producer = ImpressionProducer(
        broker.kafka_bootstrap,
        batch_size=5,
        flush_interval=0.05,
        on_delivery=deliveries.append,
        config={"socket.timeout.ms": 1000, "reconnect.backoff.max.ms": 500},
    )
    recorder = Recorder(producer)
    until(lambda: producer.stats.acknowledged > 100, 30, "a first acknowledgement")

    process(broker).send(signal.SIGSTOP)
    until(lambda: producer.stats.queued > 200, 30, "flushes wait for the broker that hangs")
    process(broker).send(signal.SIGCONT)
    before = producer.stats.acknowledged
    until(lambda: producer.stats.acknowledged > before + 100, 60, "acknowledgements after the hang")

    process(broker).kill()
    until(lambda: producer.stats.queued > 200, 30, "flushes wait for the broker that is down")
    start_broker(broker)
    before = producer.stats.acknowledged
    until(lambda: producer.stats.acknowledged > before + 100, 60, "acknowledgements after the restart")

    recorder.stop()
    producer.close(timeout=60)
    # At least once: a record that the broker stored but could no longer acknowledge may appear twice, with the same id.
    assert set(impression_ids(read_all(broker, "impressions.v1"))) == set(recorder.ids)
    assert len({d.flush_id for d in deliveries}) == len(deliveries)
    assert sum(d.impressions for d in deliveries) == len(recorder.ids) == producer.stats.acknowledged


def test_a_failed_flush_is_sent_again_with_the_same_ids(broker: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("impression_streams.options.TRY_SECONDS", 0.5)
    producer = ImpressionProducer(broker.kafka_bootstrap, flush_interval=0.05)
    first = producer.record("u1", "a1")
    until(lambda: producer.stats.acknowledged == 1, 30, "the first acknowledged")
    process(broker).send(signal.SIGSTOP)
    second = producer.record("u1", "a2")
    until(lambda: producer.stats.retries >= 2, 30, "two tries failed")
    process(broker).send(signal.SIGCONT)
    producer.close(timeout=60)
    assert set(impression_ids(read_all(broker, "impressions.v1"))) == {first, second}
    assert producer.stats.acknowledged == 2


def test_everything_comes_back_when_the_broker_stays_down(broker: Settings) -> None:
    deliveries: list[Delivery] = []
    producer = ImpressionProducer(broker.kafka_bootstrap, batch_size=10, on_delivery=deliveries.append)
    stored = [producer.record("u1", f"a{i}") for i in range(20)]
    assert producer.wait(30)
    process(broker).kill()
    lost = [producer.record(f"u{i % 3}", f"a{i}", pool_id="main") for i in range(25)]
    producer.send_raw(b"raw", partition=1, key="k")
    with pytest.raises(UndeliveredError, match="25 impressions in 3 flushes and 1 raw records") as caught:
        producer.close(timeout=0.5)
    flushes = caught.value.flushes
    assert Counter(i.impression_id for f in flushes for i in f.impressions) == Counter(lost)
    assert [(r.value, r.key, r.partition) for r in caught.value.records] == [(b"raw", "k", 1)]
    failed = [d for d in deliveries if d.error is not None]
    assert {d.flush_id for d in failed} == {*(f.flush_id for f in flushes), ""}
    assert len(failed) == len(flushes) + 1

    start_broker(broker)
    with ImpressionProducer(broker.kafka_bootstrap) as again:
        for flush in flushes:
            again.send_flush(flush)
    assert impression_ids(read_all(broker, "impressions.v1")) == Counter(stored + lost)


def fail_for_good(client: Producer) -> None:
    """Call rd_kafka_test_fatal_error, librdkafka's test hook; the handle is the object's first field."""
    found = sorted(Path(confluent_kafka.__file__).parent.with_name("confluent_kafka.libs").glob("librdkafka*"))
    if not found:
        pytest.skip("librdkafka is not the wheel's own, so its test hook can't be called")
    hook = ctypes.CDLL(str(found[0])).rd_kafka_test_fatal_error
    hook.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_char_p]
    handle = ctypes.c_void_p.from_address(id(client) + object.__basicsize__)
    assert hook(handle, KafkaError.OUT_OF_ORDER_SEQUENCE_NUMBER, b"test") == 0


def test_the_producer_survives_a_fatal_error_of_the_client(broker: Settings) -> None:
    producer = ImpressionProducer(broker.kafka_bootstrap, batch_size=1)
    ids = [producer.record("u1", "a0")]
    assert producer.wait(30)
    sender = producer._engine.sender
    assert isinstance(sender, KafkaSender)
    first = sender.client
    fail_for_good(first)
    ids += [producer.record("u1", f"a{i}") for i in range(1, 50)]
    producer.close(timeout=60)
    assert sender.client is not first
    assert set(impression_ids(read_all(broker, "impressions.v1"))) == set(ids)
    assert producer.stats.acknowledged == 50
