"""What the SDK logs: few lines, with ids and counts, that can't harm its host. Time is passed in."""

import logging
from collections.abc import Callable, Iterator

import pytest

from impression_streams.log import LOGGER, SECONDS_BETWEEN_LINES, LibrdkafkaLog, Trouble, write

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
