"""HttpImpressionProducer and a collector that misbehaves: nothing is lost, and what is sent again is the same."""

import asyncio
import json
import random
from collections import Counter
from collections.abc import Iterator
from threading import Thread

import pytest

from impression_streams import (
    AsyncHttpImpressionProducer,
    Delivery,
    HttpImpressionProducer,
    Rejection,
    UndeliveredError,
)
from impression_streams.ids import now_ms
from tests.support import misbehaving_collector as does
from tests.support.misbehaving_collector import Double, Fault, running_double
from tests.support.sdk_http import BODY_UNREAD, FAULTS, flush_of, shorten_pauses
from tests.support.wait import until

pytestmark = pytest.mark.integration


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    shorten_pauses(monkeypatch)


@pytest.fixture
def double() -> Iterator[Double]:
    with running_double() as running:
        yield running


@pytest.mark.parametrize("fault", FAULTS)
def test_what_was_not_said_to_be_stored_is_sent_again_byte_for_byte(double: Double, fault: str) -> None:
    double.faults.append(FAULTS[fault])
    deliveries: list[Delivery] = []
    with HttpImpressionProducer(double.url, batch_size=10, connections=1, on_delivery=deliveries.append) as producer:
        ids = [producer.record(f"u{i % 3}", f"a{i}") for i in range(30)]
        assert producer.wait(60)
        assert producer.stats.retries >= 1
    assert set(double.ids()) == set(ids)
    assert len(deliveries) == 3
    assert all(delivery.error is None for delivery in deliveries)
    first, second, *_ = double.requests
    assert second.body == first.body or fault in BODY_UNREAD
    # Whatever arrived twice was the same line, so the stream counts it once.
    assert len(set(double.lines)) == 3


def test_whatever_goes_wrong_in_whatever_order_each_flush_arrives_and_is_reported_once(double: Double) -> None:
    chance = random.Random(17)
    usual = [does.serves] * len(FAULTS)
    double.faults.extend(chance.choices([*FAULTS.values(), does.closes, *usual], k=60))
    deliveries: list[Delivery] = []
    recorded: list[str] = []
    producer = HttpImpressionProducer(
        double.url, batch_size=3, connections=3, linger_ms=1, max_buffered=200, on_delivery=deliveries.append
    )

    def record(thread: int) -> None:
        for number in range(500):
            recorded.append(producer.record(f"u{thread}.{number % 5}", f"a{number}"))

    threads = [Thread(target=record, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    producer.close(120)
    assert set(double.ids()) == set(recorded)
    assert sum(delivery.accepted for delivery in deliveries) == len(recorded) == 1500
    # Each flush that arrived, however often, is the same line.
    assert len(set(double.lines)) == len(deliveries) == len({delivery.flush_id for delivery in deliveries})


def test_a_connection_that_was_closed_while_it_rested_costs_no_retry(double: Double) -> None:
    double.faults.append(does.closes)
    with HttpImpressionProducer(double.url, batch_size=1) as producer:
        for number in range(3):
            producer.record("u1", f"a{number}")
            assert producer.wait(30)
        assert (producer.stats.acknowledged, producer.stats.retries) == (3, 0)
    assert double.connections == 2
    assert len(double.lines) == 3


def test_an_answer_in_pieces_that_ends_its_connection_is_read_whole(double: Double) -> None:
    double.faults += [does.says_goodbye, does.says_goodbye]
    with HttpImpressionProducer(double.url, batch_size=1, connections=1) as producer:
        for number in range(3):
            producer.record("u1", f"a{number}")
            assert producer.wait(30)
        assert (producer.stats.acknowledged, producer.stats.retries) == (3, 0)
    assert double.connections == 3
    assert len(double.requests) == 3


def test_many_flushes_share_few_requests_and_one_connection(double: Double) -> None:
    with HttpImpressionProducer(double.url, connections=1, linger_ms=1000) as producer:
        for number in range(1200):
            producer.send_flush(flush_of(number, f"u{number}"))
    assert sorted(double.ids()) == sorted(f"i{number}" for number in range(1200))
    sizes = [len(request.text.splitlines()) for request in double.requests]
    assert max(sizes) <= 500
    assert len(sizes) < 12
    assert double.connections == 1
    assert all(request.headers["content-type"] == "application/json" for request in double.requests)
    assert all(request.headers["host"] == double.url.removeprefix("http://") for request in double.requests)


def test_small_requests_are_plain_and_large_ones_gzip(double: Double) -> None:
    with HttpImpressionProducer(double.url) as producer:
        producer.record("u1", "a1")
        producer.flush()
        assert producer.wait(30)
        for number in range(100):
            producer.record("u1", f"a{number}")
    small, large = double.requests
    assert "content-encoding" not in small.headers
    assert (large.headers["content-encoding"], large.body[:2]) == ("gzip", b"\x1f\x8b")
    assert len(large.body) < len(large.text) / 2


def test_verdicts_reach_the_delivery_report(double: Double) -> None:
    deliveries: list[Delivery] = []
    tomorrow = now_ms() + 20 * 3600 * 1000
    with HttpImpressionProducer(double.url, on_delivery=deliveries.append) as producer:
        good = producer.record("u1", "a1")
        bad = producer.record("u1", "a2", tomorrow)
        producer.record("u2", "a1")
        producer.flush()
        assert producer.wait(30)
        assert (producer.stats.acknowledged, producer.stats.rejected) == (3, 1)
    by_user = {delivery.user_id: delivery for delivery in deliveries}
    assert by_user["u1"].rejected == (Rejection("future", 1, bad),)
    assert (by_user["u1"].accepted, by_user["u1"].impressions, by_user["u1"].error) == (1, 2, None)
    assert (by_user["u2"].accepted, by_user["u2"].rejected) == (1, ())
    assert set(double.ids()) >= {good, bad}


def test_raw_lines_are_judged_one_by_one_and_harm_nothing_else(double: Double) -> None:
    deliveries: list[Delivery] = []
    good, other = json.dumps(flush_of(1)).encode(), json.dumps(flush_of(2)).encode()
    producer = HttpImpressionProducer(double.url, on_delivery=deliveries.append)
    producer.send_raw(b"\n".join([good, b"not json", other]))
    producer.send_raw(b"nothing in here")
    producer.record("u1", "a1")
    for wrong, said in ((None, "empty"), (b"", "empty"), (b"x" * (1024 * 1024 + 1), "1048577 bytes")):
        with pytest.raises(ValueError, match=said):
            producer.send_raw(wrong)
    with pytest.raises(ValueError, match="user_id"):
        producer.send_raw(good, partition=1)
    with pytest.raises(UndeliveredError, match=r"1 raw records .*400 Bad Request: nothing in it can be read") as caught:
        producer.close()
    assert [record.value for record in caught.value.records] == [b"nothing in here"]
    assert {good, other} <= set(double.lines)
    assert Rejection("malformed", -1, "", 1) in [each for delivery in deliveries for each in delivery.rejected]


@pytest.mark.parametrize("code", [400, 401, 403, 415])
def test_what_is_refused_comes_back_at_once_with_the_reason(double: Double, code: int) -> None:
    double.faults.append(does.status(code, body={"detail": "because"}))
    deliveries: list[Delivery] = []
    producer = HttpImpressionProducer(double.url, token="fixed", on_delivery=deliveries.append)
    producer.send_flush(flush_of(1))
    until(lambda: producer.stats.failed == 1, 30, "refused")
    producer.send_flush(flush_of(2))
    with pytest.raises(UndeliveredError, match=rf"the collector answered {code} .*because") as caught:
        producer.close()
    assert [flush.flush_id for flush in caught.value.flushes] == ["f1"]
    assert [delivery.error is None for delivery in deliveries] == [False, True]
    assert double.ids() == ["i2"]
    assert double.requests[1].headers["authorization"] == "Bearer fixed"


def test_what_is_too_large_together_is_sent_in_parts_and_what_is_alone_comes_back(double: Double) -> None:
    double.max_bytes = 3000
    producer = HttpImpressionProducer(double.url, batch_size=500, linger_ms=50)
    ids = [producer.record(f"u{number}", "a1") for number in range(40)]
    for number in range(500):
        producer.record("large", f"a{number}")
    with pytest.raises(UndeliveredError, match=r"the collector answered 413 .*: 3000 bytes are allowed") as caught:
        producer.close()
    assert [flush.user_id for flush in caught.value.flushes] == ["large"]
    assert Counter(double.ids()) == Counter(ids)


@pytest.mark.parametrize("fault", [does.hangs, does.drips])
def test_a_collector_that_hangs_is_left_and_the_same_sent_on_another_connection(double: Double, fault: Fault) -> None:
    double.faults.append(fault)
    with HttpImpressionProducer(double.url, request_timeout=2) as producer:
        ids = [producer.record("u1", f"a{number}") for number in range(20)]
        producer.flush()
        assert producer.wait(60)
        assert producer.stats.retries == 1
    first, second = double.requests
    assert first.body == second.body
    assert set(double.ids()) == set(ids)
    assert double.connections == 2


def test_close_hands_everything_back_while_the_collector_hangs(double: Double) -> None:
    double.faults += [does.hangs, does.hangs]
    producer = HttpImpressionProducer(double.url, batch_size=1, linger_ms=0)
    ids = [producer.record("u1", f"a{number}") for number in range(10)]
    with pytest.raises(UndeliveredError) as caught:
        producer.close(0.3)
    assert sorted(i.impression_id for flush in caught.value.flushes for i in flush.impressions) == sorted(ids)
    double.faults.clear()
    with HttpImpressionProducer(double.url) as again:
        for flush in caught.value.flushes:
            again.send_flush(flush)
    assert set(double.ids()) == set(ids)


def test_after_its_time_a_flush_comes_back_with_what_the_collector_said(double: Double) -> None:
    double.faults.extend([does.status(503, {"Retry-After": "60"})] * 2)
    producer = HttpImpressionProducer(double.url, delivery_timeout=0.5)
    producer.send_flush(flush_of(1))
    until(lambda: producer.stats.failed == 1, 30, "given up")
    said = "not acknowledged in time: the collector answered 503 Service Unavailable: by order"
    with pytest.raises(UndeliveredError) as caught:
        producer.close()
    assert caught.value.reasons == [said]


def test_the_loop_turns_while_the_collector_hangs_and_a_flush_is_its_callers(double: Double) -> None:
    double.faults.append(does.hangs)

    async def main() -> None:
        turns = 0

        async def turn() -> None:
            nonlocal turns
            while True:
                await asyncio.sleep(0.001)
                turns += 1

        ticking = asyncio.create_task(turn())
        producer = AsyncHttpImpressionProducer(double.url, delivery_timeout=3, connections=1)
        waiting = asyncio.create_task(producer.send_flush(flush_of(1)))
        assert not await producer.wait(0.5)
        assert turns > 3  # at least, however busy the machine is
        with pytest.raises(UndeliveredError, match="1 impressions in 1 flushes were not acknowledged") as caught:
            await waiting
        assert [flush.flush_id for flush in caught.value.flushes] == ["f1"]
        double.released.set()
        delivery = await producer.send_flush(flush_of(2))
        assert (delivery.error, delivery.accepted) == (None, 1)
        await producer.close()
        ticking.cancel()

    asyncio.run(main())


def test_an_outage_is_one_line_of_the_log_and_its_end_another(double: Double, caplog: pytest.LogCaptureFixture) -> None:
    double.faults.extend([does.status(503)] * 5)
    with HttpImpressionProducer(double.url, token="secret-token") as producer:
        producer.record("secret-user", "a1")
    lines = [record.getMessage() for record in caplog.records if record.name == "impression_streams"]
    assert [line.split()[0] for line in lines] == ["collector_failed", "outage_over"]
    assert "503" in lines[0]
    assert "secret" not in "".join(lines)
