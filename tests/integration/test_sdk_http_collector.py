"""HttpImpressionProducer and the collector as a process on a real broker: killed, ended, started again; with tokens."""

import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from threading import Event, Thread

import orjson
import pytest

from impression_streams import Delivery, HttpImpressionProducer
from oracle.murmur import home_of
from streams.embedded.ports import free_block
from streams.settings import Settings
from tests.support.kafka import running_broker
from tests.support.program import MemberProcess
from tests.support.sdk import ROOT
from tests.support.source import lines
from tests.support.stack import provision_log
from tests.support.wait import until

pytestmark = pytest.mark.integration

ISSUE = ROOT / "examples" / "tokens" / "issue.py"
SECONDS = 60.0


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    quick = {"collector_port": free_block(1), "collector_notice_seconds": 0}
    with running_broker(tmp_path_factory.mktemp("broker"), **quick) as settings:
        provision_log(settings)
        yield settings


def started(settings: Settings) -> MemberProcess:
    process = MemberProcess("collector", settings)
    process.start().wait_ready()
    return process


def url(settings: Settings) -> str:
    return f"http://{settings.collector_host}:{settings.collector_port}"


def ids(settings: Settings) -> Counter[str]:
    found: Counter[str] = Counter()
    for partition, line in lines(settings):
        flush = orjson.loads(line)
        assert partition == home_of(flush["user_id"], 4)
        found.update(impression["impression_id"] for impression in flush["impressions"])
    return found


def more_are_acknowledged(producer: HttpImpressionProducer) -> None:
    before = producer.stats.acknowledged
    until(lambda: producer.stats.acknowledged > before + 100, SECONDS, "acknowledgements")


def test_nothing_is_lost_while_the_collector_is_killed_and_ended_under_load(broker: Settings) -> None:
    collector = started(broker)
    deliveries: list[Delivery] = []
    recorded: list[str] = []
    stop = Event()
    producer = HttpImpressionProducer(url(broker), batch_size=5, flush_interval=0.05, on_delivery=deliveries.append)

    def record() -> None:
        while not stop.wait(0.001):
            recorded.append(producer.record(f"u{len(recorded) % 7}", f"a{len(recorded)}"))

    thread = Thread(target=record)
    thread.start()
    try:
        for end in (collector.kill, collector.stop):
            more_are_acknowledged(producer)
            end()
            until(lambda: producer.stats.queued > 100, SECONDS, "flushes wait for a collector that is away")
            collector.start().wait_ready()
        more_are_acknowledged(producer)
    finally:
        stop.set()
        thread.join()
        producer.close(SECONDS)
        collector.stop()
    assert set(ids(broker)) == set(recorded)
    assert all(delivery.error is None for delivery in deliveries)
    assert len({delivery.flush_id for delivery in deliveries}) == len(deliveries)
    assert sum(delivery.accepted for delivery in deliveries) == len(recorded) == producer.stats.acknowledged
    assert producer.stats.retries > 0
    # What is there twice is the same line, so the stream counts it once.
    stored = Counter(line for _, line in lines(broker))
    assert len(stored) == len(deliveries)


def test_a_collector_that_wants_tokens_takes_each_users_flushes_under_the_users_own(broker: Settings) -> None:
    keys = broker.data_dir / "keys"
    subprocess.run([sys.executable, str(ISSUE), "key", "k1", str(keys)], check=True, timeout=SECONDS)
    guarded = broker.model_copy(update={"token_key_file": keys / "public.json"})
    asked: list[str] = []

    def token_of(user: str) -> str:
        asked.append(user)
        form = [] if len(asked) % 2 else ["--jws"]
        command = [sys.executable, str(ISSUE), "token", str(keys / "k1.private.json"), user, *form]
        return subprocess.run(command, check=True, capture_output=True, text=True, timeout=SECONDS).stdout.strip()

    before = ids(broker)
    collector = started(guarded)
    try:
        with HttpImpressionProducer(url(guarded), user_token=token_of, delivery_timeout=300) as producer:
            recorded = [producer.record(f"u{number % 6}", f"a{number}") for number in range(60)]
            producer.flush()
            assert producer.wait(2 * SECONDS)
            assert producer.stats.acknowledged == 60
            recorded += [producer.record(f"u{number}", "a100") for number in range(6)]
    finally:
        collector.stop()
    assert ids(broker) - before == Counter(recorded)
    assert sorted(asked) == [f"u{number}" for number in range(6)]
