"""What every producer promises, whatever it sends to and however it is called: one suite for all four.

Those over HTTP send to a double of the collector, and to the collector itself, with a log that needs no brokers.
"""

import json
import os
import threading
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from threading import Thread
from typing import Any

import pytest

from impression_streams import BufferFullError, Delivery, Flush, UndeliveredError
from impression_streams.ids import now_ms
from streams.core.decode import DecodedFlush, decode
from streams.settings import Settings
from tests.support.collector import HeldLog, running_collector
from tests.support.kafka import running_broker
from tests.support.misbehaving_collector import running_double
from tests.support.producers import KINDS, Kind, failed, http, kafka
from tests.support.sdk import dead_address
from tests.support.wait import until

FLUSH: dict[str, Any] = {
    "v": 1,
    "flush_id": "f1",
    "user_id": "u1",
    "sent_at": 5,
    "impressions": [{"impression_id": "i1", "artwork_id": "a1", "seen_at": 4, "visible": 0.5}],
    "transport": "replay",
    "telemetry": {"attempts": 3, "failures": 2, "queued": 1, "dropped": 0},
}


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    with running_broker(tmp_path_factory.mktemp("broker")) as settings:
        yield settings


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest, broker: Settings) -> Iterator[Kind]:
    if request.param.startswith("kafka"):
        topic = "".join(c if c.isalnum() else "." for c in request.node.name)
        yield kafka(request.param, broker, topic)
    elif request.param == "http collector":
        log = HeldLog()
        with running_collector(log) as collector:
            url = "http://{}:{}".format(*collector.address)
            yield http(request.param, url, lambda: [line for _, line in log.taken])
    else:
        with running_double() as double:
            yield http(request.param, double.url, lambda: list(double.lines))


def flushes(kind: Kind) -> list[dict[str, Any]]:
    return [json.loads(line) for line in kind.stored()]


def ids(kind: Kind) -> Counter[str]:
    """Count the impressions that arrived, each line judged as the worker does."""
    found: Counter[str] = Counter()
    for line in kind.stored():
        decoded = decode(line)
        assert isinstance(decoded, DecodedFlush), line
        found.update(each.impression_id for each in decoded.flush.impressions)
    return found


def test_what_threads_record_arrives_once_and_each_flush_is_reported_once(kind: Kind) -> None:
    deliveries: list[Delivery] = []
    recorded: list[str] = []
    begun = now_ms() - 1000  # longer ago, the collector would call a repeat late
    settings = {"session_id": "s1", "experiments": {"flush": "100ms"}, "tier": "pro", "max_buffered": 300}
    with kind.open(batch_size=20, flush_interval=0.1, on_delivery=deliveries.append, **settings) as producer:

        def record(thread: int) -> None:
            for i in range(400):
                recorded.append(producer.record(f"u{i % 7}", f"a{i}", begun + i, dwell_ms=thread))

        threads = [Thread(target=record, args=(number,)) for number in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert ids(kind) == Counter(recorded)
    assert Counter(delivery.flush_id for delivery in deliveries) == Counter(each["flush_id"] for each in flushes(kind))
    assert sum(delivery.impressions for delivery in deliveries) == 1200
    assert all(d.error is None and d.latency_ms > 0 and d.accepted == d.impressions for d in deliveries)
    assert all(d.user_id.startswith("u") and d.rejected == () for d in deliveries)
    stats = producer.stats
    assert (stats.recorded, stats.sent, stats.acknowledged, stats.failed, stats.rejected) == (1200, 1200, 1200, 0, 0)
    assert (stats.buffered, stats.queued) == (0, 0)
    assert stats.records_acknowledged == len(deliveries)
    for flush in flushes(kind):
        assert (flush["transport"], flush["tier"], flush["session_id"]) == ("sdk", "pro", "s1")
        assert flush["experiments"] == {"flush": "100ms"}
        assert flush["telemetry"]["attempts"] == 1


def test_each_flush_says_why_it_was_sent(kind: Kind) -> None:
    with kind.open(flush_interval=600, batch_size=2) as producer:
        for user in ("u1", "u1", "u2", "u3"):
            producer.record(user, "a1")
        producer.flush("u2", reason="hidden")
        assert producer.wait(30)
        assert (producer.stats.acknowledged, producer.stats.buffered) == (3, 1)
        with pytest.raises(ValueError, match="reason"):
            producer.flush("u3", reason="because")
    assert {f["user_id"]: f["reason"] for f in flushes(kind)} == {"u1": "size", "u2": "hidden", "u3": "manual"}


def test_time_flushes_a_buffer_that_never_fills(kind: Kind) -> None:
    with kind.open(flush_interval=0.05) as producer:
        producer.record("u1", "a1", datetime.now(UTC))
        until(lambda: producer.stats.acknowledged == 1, 30, "the timer's flush acknowledged")
    assert [flush["reason"] for flush in flushes(kind)] == ["timer"]


def test_a_prepared_flush_is_sent_as_it_is(kind: Kind) -> None:
    with kind.open() as producer:
        producer.send_flush({**FLUSH, "unknown": 1})
        producer.send_flush(Flush.model_validate({**FLUSH, "flush_id": "f2"}))
    # Nothing says in which order: each may be in a request of its own.
    found = sorted(flushes(kind), key=lambda flush: str(flush["flush_id"]))
    assert found == [FLUSH, {**FLUSH, "flush_id": "f2"}]


def test_raw_lines_are_sent_as_they_are(kind: Kind) -> None:
    lines = b"\n".join(json.dumps({**FLUSH, "flush_id": f"f{number}"}).encode() for number in range(3))
    with kind.open() as producer:
        producer.send_raw(lines)
        assert producer.wait(30)
        assert producer.stats.records_acknowledged == 1
    assert b"\n".join(kind.stored()) == lines


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"user_id": "ann@example.com"}, "user_id: '@' is not allowed"),
        ({"artwork_id": ""}, "artwork_id"),
        ({"visible": 1.5}, "visible"),
        ({"position": True}, "position"),
        ({"seen_at": 1_764_489_600}, "seconds"),
    ],
)
def test_what_the_stream_would_reject_is_refused_before_anything_is_sent(
    kind: Kind, wrong: dict[str, Any], said: str
) -> None:
    with kind.open() as producer:
        with pytest.raises(ValueError, match=said):
            producer.record(**{"user_id": "u1", "artwork_id": "a1", **wrong})
        with pytest.raises(ValueError, match="impressions"):
            producer.send_flush({**FLUSH, "impressions": FLUSH["impressions"] * 501})
        assert producer.stats.recorded == 0
    assert kind.stored() == []


def test_an_error_in_the_callback_stops_nothing_and_is_raised_by_close(kind: Kind) -> None:
    def refuse(delivery: Delivery) -> None:
        raise LookupError(delivery.flush_id)

    producer = kind.make(batch_size=1, on_delivery=refuse)
    recorded = Counter(producer.record("u1", f"a{i}") for i in range(10))
    with pytest.raises(LookupError):
        producer.close()
    assert ids(kind) == recorded


def test_what_nobody_takes_comes_back_whole_and_can_be_sent_again(kind: Kind) -> None:
    deliveries: list[Delivery] = []
    with dead_address() as address:
        producer = kind.make(address=address, batch_size=10, on_delivery=deliveries.append)
        recorded = [producer.record(f"u{i % 3}", f"a{i}", pool_id="main") for i in range(35)]
        with pytest.raises(UndeliveredError, match="35 impressions in 6 flushes") as caught:
            producer.close(0.5)
    assert len(caught.value.reasons) >= 1
    back = [impression.impression_id for flush in caught.value.flushes for impression in flush.impressions]
    assert Counter(back) == Counter(recorded)
    assert {delivery.flush_id for delivery in failed(deliveries)} == {flush.flush_id for flush in caught.value.flushes}
    with kind.open() as again:
        for flush in caught.value.flushes:
            again.send_flush(flush)
    assert ids(kind) == Counter(recorded)


def test_a_full_buffer_is_an_error_that_loses_nothing(kind: Kind) -> None:
    with dead_address() as address:
        settings = {"max_buffered": 3, "batch_size": 2, "max_block": 0, "delivery_timeout": 0.3}
        nobody = kind.make(address=address, **settings)
        taken = [nobody.record("u1", f"a{i}") for i in range(3)]
        with pytest.raises(BufferFullError, match="not acknowledged yet"):
            nobody.record("u2", "a9")
        until(lambda: nobody.stats.failed == 3, 60, "given up")
        with pytest.raises(BufferFullError, match="take_undelivered"):
            nobody.record("u2", "a9")
        undelivered = nobody.take_undelivered()
        assert [i.impression_id for f in undelivered.flushes for i in f.impressions] == taken
        taken.append(nobody.record("u2", "a9"))
        with pytest.raises(UndeliveredError) as caught:
            nobody.close(0)
    with kind.open() as producer:
        for flush in (*undelivered.flushes, *caught.value.flushes):
            producer.send_flush(flush)
    assert ids(kind) == Counter(taken)


def test_what_is_given_up_after_its_time_says_why(kind: Kind) -> None:
    deliveries: list[Delivery] = []
    with dead_address() as address:
        producer = kind.make(address=address, delivery_timeout=0.5, flush_interval=0.01, on_delivery=deliveries.append)
        producer.record("u1", "a1")
        until(lambda: producer.stats.failed == 1, 60, "given up")
        with pytest.raises(UndeliveredError):
            producer.close()
    until(lambda: deliveries, 30, "the report")
    (delivery,) = deliveries
    assert delivery.error is not None
    assert "refused" in delivery.error.lower() or "timed out" in delivery.error.lower()
    assert (delivery.partition, delivery.offset, delivery.accepted) == (-1, -1, 0)


def test_a_closed_producer_and_one_from_before_a_fork_are_refused(kind: Kind) -> None:
    with kind.open() as producer:
        said = "the producer was made before a fork: make one in each process"
        child = os.fork()
        if child == 0:
            try:
                producer.take_undelivered()
            except RuntimeError as error:
                os._exit(0 if str(error) == said else 1)
            os._exit(2)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    with pytest.raises(RuntimeError, match="the producer is closed"):
        producer._engine.check()


def test_its_threads_end_with_it(kind: Kind) -> None:
    before = {thread.ident for thread in threading.enumerate()}
    with kind.open(batch_size=1) as producer:
        producer.record("u1", "a1")
        assert producer.wait(30)

    def left() -> list[str]:
        ours = [each for each in threading.enumerate() if each.ident not in before]
        return [each.name for each in ours if each.name.startswith("impression-producer")]

    # The log's thread is all producers' and stays.
    until(lambda: set(left()) <= {"impression-producer-log"}, 30, "the end of its threads")
