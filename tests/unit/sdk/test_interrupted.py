"""A caller that is interrupted between any two of its lines by one that uses the same producer.

A signal handler runs in the main thread wherever that is; so does a finaliser that the collector calls. Tracing does
the same at a line of our choice, so every line of the SDK is tried.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

import impression_streams
from impression_streams import BufferFullError, ImpressionProducer, UndeliveredError, ids

FOLDER = str(Path(impression_streams.__file__).parent)
# More lines than any of the calls below runs.
ENOUGH = 10_000


@contextmanager
def interrupted_at(line: int, handler: Callable[[], None]) -> Iterator[list[int]]:
    """Call the handler when this thread has run so many lines of the SDK; yield the number that it has run."""
    count = [0]

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        if not frame.f_code.co_filename.startswith(FOLDER):
            return None
        if event == "line":
            count[0] += 1
            if count[0] == line:
                sys.settrace(None)
                handler()
                sys.settrace(trace)
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        yield count
    finally:
        sys.settrace(before)


@pytest.fixture(autouse=True)
def each_id_asks_the_system(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every call run the same lines, those that fetch random bits too."""
    monkeypatch.setattr(ids, "_AT_ONCE", 1)
    monkeypatch.setattr(ids, "_random", (0, iter(())))


def use(producer: ImpressionProducer) -> None:
    """Call all that needs no broker."""
    producer.record("main", "a1")
    producer.flush()
    assert not producer.wait(0)
    assert producer.stats.failed == 0
    producer.take_undelivered()


def nobody(**more: Any) -> ImpressionProducer:
    return ImpressionProducer("127.0.0.1:1", batch_size=2, delivery_timeout=600, **more)


def lines(call: Callable[[], None]) -> int:
    with interrupted_at(ENOUGH, lambda: None) as count:
        call()
    assert 20 < count[0] < ENOUGH
    return count[0]


def test_a_handler_that_records_and_flushes_may_come_at_any_line() -> None:
    producer = nobody()
    total = lines(lambda: use(producer))
    handled = []

    def handler() -> None:
        handled.append(True)
        use(producer)

    for line in range(1, total + 1):
        with interrupted_at(line, handler):
            use(producer)
    # A call that need not wake the producer's thread has a line less.
    assert len(handled) > total - 5
    recorded = 1 + total + len(handled)
    assert producer.stats.recorded == recorded
    with pytest.raises(UndeliveredError) as caught:
        producer.close(0)
    assert sum(len(flush.impressions) for flush in caught.value.flushes) == recorded


def test_a_handler_that_closes_may_come_at_any_line_and_gets_what_was_accepted() -> None:
    line, reached = 0, True
    while reached:
        line += 1
        producer = nobody()
        accepted = [producer.record("before", "a1")]
        back: list[str] = []

        def close(producer: ImpressionProducer = producer, back: list[str] = back) -> None:
            try:
                producer.close(0)
            except UndeliveredError as error:
                back.extend(i.impression_id for flush in error.flushes for i in flush.impressions)

        with interrupted_at(line, close) as count, suppress(RuntimeError):  # it was closed first
            accepted.append(producer.record("main", "a1"))
        reached = count[0] >= line
        close()
        assert sorted(back) == sorted(accepted), line
        stats = producer.stats
        assert (stats.recorded, stats.failed) == (len(accepted), len(accepted))
    assert line > 20


def test_a_handler_may_close_while_a_caller_waits_for_room() -> None:
    producer = nobody(max_buffered=2, max_block=600)
    accepted = [producer.record("u", "a1"), producer.record("u", "a2")]
    back: list[str] = []

    def close() -> None:
        with pytest.raises(UndeliveredError) as caught:
            producer.close(0)
        back.extend(i.impression_id for flush in caught.value.flushes for i in flush.impressions)

    # The last line before it waits, by a producer that doesn't: `wait` is the last thing that `record` calls.
    probe = nobody(max_buffered=2, max_block=0)
    probe.record("u", "a1"), probe.record("u", "a2")
    with interrupted_at(ENOUGH, lambda: None) as count, pytest.raises(BufferFullError):
        probe.record("u", "a3")
    with pytest.raises(UndeliveredError):
        probe.close(0)
    with interrupted_at(count[0] + 1, close), pytest.raises(RuntimeError, match="the producer is closed"):
        producer.record("u", "a3")
    assert back == accepted


def test_close_within_close_gives_each_flush_to_one_of_them() -> None:
    line, reached = 0, True
    while reached:
        line += 1
        producer = nobody()
        accepted = [producer.record("u", f"a{i}") for i in range(3)]
        back: list[str] = []

        def close(producer: ImpressionProducer = producer, back: list[str] = back) -> None:
            try:
                producer.close(0)
            except UndeliveredError as error:
                back.extend(i.impression_id for flush in error.flushes for i in flush.impressions)

        with interrupted_at(line, close) as count:
            close()
        reached = count[0] >= line
        assert sorted(back) == sorted(accepted), line
    assert line > 20
