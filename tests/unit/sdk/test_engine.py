"""The producer's thread: what it holds comes back whatever ends it, and whoever waits for it goes on."""

import time
from threading import Thread

import pytest

from impression_streams import BufferFullError, ImpressionProducer, UndeliveredError
from tests.support.wait import let_pass, until


def nobody(**more: float) -> ImpressionProducer:
    return ImpressionProducer("127.0.0.1:1", batch_size=2, delivery_timeout=600, **more)  # type: ignore[arg-type]


def crash(producer: ImpressionProducer) -> None:
    def fail() -> None:
        raise MemoryError("no more")

    producer._engine.intake.put(fail)
    until(lambda: producer._engine.crash, 30, "the crash")
    until(lambda: not producer._engine.account.open, 30, "everything given up")


def test_after_a_crash_everything_comes_back_with_the_reason() -> None:
    producer = nobody()
    ids = [producer.record("u1", f"a{number}") for number in range(5)]  # two flushes, and one in its buffer
    producer.send_raw(b"raw")
    crash(producer)
    with pytest.raises(RuntimeError, match="the producer's thread ended on an error"):
        producer.record("u1", "a6")
    assert producer.wait(60)
    with pytest.raises(UndeliveredError, match=r"ended on an error: MemoryError\('no more'\)") as caught:
        producer.close()
    assert isinstance(caught.value.__cause__, MemoryError)
    assert [i.impression_id for flush in caught.value.flushes for i in flush.impressions] == ids
    assert [record.value for record in caught.value.records] == [b"raw"]
    stats = producer.stats
    assert (stats.recorded, stats.buffered, stats.queued, stats.failed) == (5, 0, 0, 5)


def test_a_crash_that_lost_nothing_is_no_success_either() -> None:
    producer = nobody()
    crash(producer)
    with pytest.raises(RuntimeError, match="ended on an error") as caught:
        producer.close()
    assert isinstance(caught.value.__cause__, MemoryError)


def test_the_interval_of_an_idle_producer_counts_from_the_impression() -> None:
    producer = nobody(flush_interval=600)
    let_pass(0.2)  # it waits for the next item meanwhile
    before = time.monotonic()
    producer.record("u1", "a1")
    due = until(producer._engine._buffers.next_due, 30, "the buffer") or 0.0
    assert before + 600 <= due <= time.monotonic() + 600
    with pytest.raises(UndeliveredError):
        producer.close(0)


def test_threads_that_wait_for_room_go_on_when_it_is_freed_or_the_producer_closes() -> None:
    producer = nobody(max_buffered=2, max_block=600)
    ids = [producer.record("u1", "a1"), producer.record("u1", "a2")]
    refusals: list[BaseException] = []

    def record() -> None:
        try:
            producer.record("u1", "a3")
        except (RuntimeError, BufferFullError) as error:
            refusals.append(error)

    threads = [Thread(target=record) for _ in range(5)]
    for thread in threads:
        thread.start()
    until(lambda: len(producer._engine._waiters) == 5, 30, "all wait")
    with pytest.raises(UndeliveredError) as caught:
        producer.close(0)
    for thread in threads:
        thread.join(60)
    assert [str(error) for error in refusals] == ["the producer is closed"] * 5
    assert [i.impression_id for flush in caught.value.flushes for i in flush.impressions] == ids
