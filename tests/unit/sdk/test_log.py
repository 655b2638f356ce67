"""What the SDK logs: few lines, with ids and counts, that can't harm its host. Time is passed in."""

import logging
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from threading import Event, Thread

import pytest

from impression_streams import ImpressionProducer, UndeliveredError
from impression_streams.log import (
    LOGGER,
    MAX_WAITING,
    SECONDS_BETWEEN_LINES,
    LibrdkafkaLog,
    Trouble,
    drain,
    from_background,
    write,
)

MINUTE = SECONDS_BETWEEN_LINES


class Refusing(logging.Handler):
    """A handler with a defect."""

    def emit(self, record: logging.LogRecord) -> None:
        raise OSError(record.getMessage())


@pytest.fixture
def refusing() -> Iterator[None]:
    handler = Refusing()
    LOGGER.addHandler(handler)
    yield
    LOGGER.removeHandler(handler)


def events(trouble: Trouble, *times: float) -> None:
    for now in times:
        trouble.event(now, logging.WARNING, "broker_error", code="_TRANSPORT")


def test_the_first_event_is_logged_at_once_and_then_one_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    trouble = Trouble()
    events(trouble, *(5.0 + second / 10 for second in range(3 * 600)))  # ten a second, for three minutes
    assert caplog.messages == [
        "broker_error code='_TRANSPORT'",
        "broker_error code='_TRANSPORT' suppressed=599",
        "broker_error code='_TRANSPORT' suppressed=599",
    ]


def test_the_end_is_logged_once_with_the_number_of_suppressed_events(caplog: pytest.LogCaptureFixture) -> None:
    trouble = Trouble()
    trouble.over(0.0, "outage_over")
    events(trouble, 1.0, 2.0, 3.0)
    trouble.over(4.5, "outage_over")
    trouble.over(5.0, "outage_over")
    assert caplog.messages == ["broker_error code='_TRANSPORT'", "outage_over seconds=3.5 suppressed=2"]


def test_trouble_that_comes_and_goes_logs_two_lines_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    trouble = Trouble()
    for second in range(int(10 * MINUTE)):
        events(trouble, second)
        trouble.over(second + 0.5, "outage_over")
    assert len(caplog.messages) == 20
    assert caplog.messages[2] == f"broker_error code='_TRANSPORT' suppressed={int(MINUTE) - 1}"


def test_a_record_carries_its_fields_for_hosts_that_write_json(caplog: pytest.LogCaptureFixture) -> None:
    write(logging.ERROR, "delivery_failed", flush_id="f1", detail="100 %s\nof it")
    (record,) = caplog.records
    assert (record.name, record.levelname) == ("impression_streams", "ERROR")
    assert record.getMessage() == r"delivery_failed flush_id='f1' detail='100 %s\nof it'"
    assert record.__dict__["event"] == "delivery_failed"
    assert record.__dict__["fields"] == {"flush_id": "f1", "detail": "100 %s\nof it"}


def test_the_traceback_of_an_error_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    write(logging.ERROR, "on_delivery_failed", LookupError("k"))
    assert "LookupError: k" in caplog.text


@pytest.mark.usefixtures("refusing")
@pytest.mark.parametrize(
    "line",
    [
        lambda: write(logging.ERROR, "delivery_failed"),
        lambda: events(Trouble(), 1.0),
        lambda: LibrdkafkaLog().log(logging.CRITICAL, "%s [%s] %s", "FATAL", "rdkafka#1", "over"),
    ],
    ids=["event", "trouble", "librdkafka"],
)
def test_a_handler_that_raises_does_no_harm(line: Callable[[], None], caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(OSError, match="probe"):
        LOGGER.error("probe")
    line()
    assert len(caplog.messages) == 0  # the raising handler comes before the test's own


class Hanging(logging.Handler):
    """A handler whose log takes nothing, as a pipe that nobody reads."""

    def __init__(self) -> None:
        super().__init__()
        self.go_on = Event()

    def emit(self, record: logging.LogRecord) -> None:
        self.go_on.wait()


@pytest.fixture
def hanging() -> Iterator[Hanging]:
    handler = Hanging()
    LOGGER.addHandler(handler)
    yield handler
    handler.go_on.set()
    drain(60)
    LOGGER.removeHandler(handler)


def give_up() -> list[str]:
    """Record to a broker that is down, and return what comes back."""
    producer = ImpressionProducer("127.0.0.1:1", batch_size=1, delivery_timeout=0.1)
    ids = [producer.record("u1", f"a{number}") for number in range(20)]
    assert producer.wait(60)
    with pytest.raises(UndeliveredError) as caught:
        producer.close()
    assert ids == [i.impression_id for flush in caught.value.flushes for i in flush.impressions]
    return ids


def test_a_log_that_hangs_stops_no_delivery_and_hides_no_loss(hanging: Hanging) -> None:
    give_up()
    assert not hanging.go_on.is_set()


def test_a_lock_of_the_log_that_the_caller_holds_stops_nothing(caplog: pytest.LogCaptureFixture) -> None:
    # As in a signal handler that interrupts the main thread while it writes a line.
    with caplog.handler.lock or nullcontext():
        give_up()
        assert not caplog.messages
    drain(60)
    assert any("delivery_failed" in line for line in caplog.messages)


def test_lines_that_a_hanging_log_has_no_room_for_are_counted(
    hanging: Hanging, caplog: pytest.LogCaptureFixture
) -> None:
    def many() -> None:
        from_background()
        for number in range(MAX_WAITING + 100):
            write(logging.WARNING, "flushes_retried", count=number)

    thread = Thread(target=many)
    thread.start()
    thread.join()
    hanging.go_on.set()
    drain(60)

    def one_more() -> None:
        from_background()
        write(logging.WARNING, "outage_over")

    thread = Thread(target=one_more)
    thread.start()
    thread.join()
    drain(60)
    written = sum(line.startswith("flushes_retried") for line in caplog.messages)
    (left_out,) = [line for line in caplog.messages if line.startswith("lines_left_out")]
    assert written >= MAX_WAITING
    assert left_out == f"lines_left_out count={MAX_WAITING + 100 - written}"
    assert caplog.messages[-1] == "outage_over"
