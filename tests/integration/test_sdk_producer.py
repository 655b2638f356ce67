"""ImpressionProducer against a real broker: everything arrives once or comes back to the caller."""

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import pytest

from impression_streams import BufferFullError, Delivery, ImpressionProducer, UndeliveredError
from impression_streams.encode import MAX_RECORD_BYTES
from streams.core.partitioner import partition_of
from streams.settings import Settings
from tests.support.kafka import running_broker
from tests.support.sdk import PARTITIONS, create_topic, impression_ids, read_all
from tests.support.wait import until

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    with running_broker(tmp_path_factory.mktemp("broker")) as settings:
        yield settings


@pytest.fixture
def topic(broker: Settings, request: pytest.FixtureRequest) -> str:
    """The test's own topic, with the settings of impressions.v1."""
    name = request.node.name.replace("[", ".").replace("]", "")
    create_topic(broker, name)
    return str(name)


def test_impressions_from_threads_arrive_once_in_the_users_partition(broker: Settings, topic: str) -> None:
    deliveries: list[Delivery] = []
    recorded: list[str] = []
    producer = ImpressionProducer(
        broker.kafka_bootstrap,
        topic=topic,
        batch_size=20,
        flush_interval=0.1,
        session_id="s1",
        experiments={"flush": "100ms"},
        on_delivery=deliveries.append,
        max_buffered=500,  # small: threads wait for room
    )

    def record(thread: int) -> None:
        for i in range(1500):
            recorded.append(producer.record(f"u{i % 37}", f"a{i}", 1_700_000_000_000 + i, dwell_ms=thread, visible=0.5))

    threads = [Thread(target=record, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    producer.close()

    records = read_all(broker, topic)
    assert impression_ids(records) == Counter(recorded)
    for found in records:
        flush = json.loads(found.value() or b"")
        assert found.partition() == partition_of(flush["user_id"], PARTITIONS)
        assert (found.key() or b"").decode() == flush["user_id"]
        assert flush["telemetry"]["attempts"] == 1
    assert {(d.partition, d.offset) for d in deliveries} == {(r.partition(), r.offset()) for r in records}
    assert {d.flush_id for d in deliveries} == {json.loads(r.value() or b"")["flush_id"] for r in records}
    assert all(d.error is None and d.latency_ms > 0 for d in deliveries)
    stats = producer.stats
    assert (stats.recorded, stats.sent, stats.acknowledged) == (6000, 6000, 6000)
    assert (stats.buffered, stats.queued, stats.failed) == (0, 0, 0)


def test_time_flushes_a_buffer_that_never_fills(broker: Settings, topic: str) -> None:
    with ImpressionProducer(broker.kafka_bootstrap, topic=topic, flush_interval=0.05) as producer:
        producer.record("u1", "a1")
        until(lambda: producer.stats.acknowledged == 1, 20, "the timer's flush acknowledged")
    assert [json.loads(r.value() or b"")["reason"] for r in read_all(broker, topic)] == ["timer"]


def test_each_flush_says_why_it_was_sent(broker: Settings, topic: str) -> None:
    with ImpressionProducer(broker.kafka_bootstrap, topic=topic, flush_interval=600, batch_size=2) as producer:
        for user in ("u1", "u1", "u2", "u3"):
            producer.record(user, "a1")
        producer.flush("u2", reason="hidden")
        assert producer.wait(20)
        assert (producer.stats.acknowledged, producer.stats.buffered) == (3, 1)
    flushes = [json.loads(r.value() or b"") for r in read_all(broker, topic)]
    assert {f["user_id"]: f["reason"] for f in flushes} == {"u1": "size", "u2": "hidden", "u3": "manual"}


def test_prepared_flushes_and_raw_records_are_sent_unchanged(broker: Settings, topic: str) -> None:
    flush = {
        "v": 1,
        "flush_id": "f1",
        "user_id": "u1",
        "sent_at": 5,
        "impressions": [{"impression_id": "i1", "artwork_id": "a1", "seen_at": 4}],
    }
    largest = os.urandom(MAX_RECORD_BYTES - len("u1"))  # incompressible: it reaches the broker's limit to the byte
    with ImpressionProducer(broker.kafka_bootstrap, topic=topic) as producer:
        producer.send_flush(flush)
        producer.send_raw(b"not json", partition=3)
        producer.send_raw(None, partition=2)
        producer.send_raw(largest, key="u1")
    records = read_all(broker, topic)
    own = partition_of("u1", PARTITIONS)
    assert {(r.partition(), r.value()) for r in records} == {
        (own, json.dumps(flush, separators=(",", ":")).encode()),
        (3, b"not json"),
        (2, None),
        (own, largest),
    }
    assert producer.stats.records_acknowledged == 4


def test_a_record_that_the_broker_refuses_for_good_comes_back(broker: Settings, topic: str) -> None:
    deliveries: list[Delivery] = []
    producer = ImpressionProducer(broker.kafka_bootstrap, topic=topic, on_delivery=deliveries.append)
    producer.send_raw(b"x", partition=PARTITIONS)  # no such partition
    producer.record("u1", "a1")
    with pytest.raises(UndeliveredError, match=r"0 impressions in 0 flushes and 1 raw records .*partition"):
        producer.close()
    assert sorted(d.error is None for d in deliveries) == [False, True]


def test_an_error_in_the_callback_stops_nothing_and_is_raised_by_close(broker: Settings, topic: str) -> None:
    def refuse(delivery: Delivery) -> None:
        raise LookupError(delivery.flush_id)

    producer = ImpressionProducer(broker.kafka_bootstrap, topic=topic, batch_size=1, on_delivery=refuse)
    ids = Counter(producer.record("u1", f"a{i}") for i in range(10))
    with pytest.raises(LookupError):
        producer.close()
    producer.close()
    assert impression_ids(read_all(broker, topic)) == ids


def test_a_topic_created_late_gets_what_was_sent_before(broker: Settings) -> None:
    producer = ImpressionProducer(
        broker.kafka_bootstrap,
        topic="late",
        flush_interval=0.05,
        config={"topic.metadata.propagation.max.ms": 100, "topic.metadata.refresh.interval.ms": 200},
    )
    ids = Counter(producer.record("u1", f"a{i}") for i in range(10))
    until(lambda: producer.stats.retries > 0, 30, "a failed try")
    create_topic(broker, "late")
    producer.close()
    records = read_all(broker, "late")
    assert impression_ids(records) == ids
    assert all(json.loads(r.value() or b"")["telemetry"]["attempts"] > 1 for r in records)


def test_a_full_buffer_is_an_error_that_loses_nothing(broker: Settings, topic: str) -> None:
    nobody = ImpressionProducer(
        "127.0.0.1:1", topic=topic, max_buffered=3, batch_size=2, max_block=0, delivery_timeout=0.2
    )
    taken = [nobody.record("u1", f"a{i}") for i in range(3)]
    with pytest.raises(BufferFullError, match="not acknowledged yet"):
        nobody.record("u2", "a9")
    until(lambda: nobody.stats.failed == 3, 20, "given up")
    with pytest.raises(BufferFullError, match="take_undelivered"):
        nobody.record("u2", "a9")
    undelivered = nobody.take_undelivered()
    assert [i.impression_id for f in undelivered.flushes for i in f.impressions] == taken
    taken.append(nobody.record("u2", "a9"))
    with pytest.raises(UndeliveredError) as caught:
        nobody.close(timeout=0)
    with ImpressionProducer(broker.kafka_bootstrap, topic=topic) as producer:
        for flush in (*undelivered.flushes, *caught.value.flushes):
            producer.send_flush(flush)
    assert impression_ids(read_all(broker, topic)) == Counter(taken)


def test_a_forked_child_is_refused(broker: Settings, topic: str) -> None:
    with ImpressionProducer(broker.kafka_bootstrap, topic=topic) as producer:
        child = os.fork()
        if child == 0:
            try:
                producer.record("u1", "a1")
            except RuntimeError:
                os._exit(0)
            os._exit(1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    with pytest.raises(RuntimeError, match="closed"):
        producer.record("u1", "a1")


def test_a_forgotten_producer_delivers_at_exit(broker: Settings, topic: str, tmp_path: Path) -> None:
    script = (
        "from impression_streams import ImpressionProducer\n"
        f"ImpressionProducer({broker.kafka_bootstrap!r}, topic={topic!r}).record('u1', 'a1', impression_id='i1')\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    assert impression_ids(read_all(broker, topic)) == Counter(["i1"])
