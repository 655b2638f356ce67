"""What a poll of a consumer returns, and for what it waits."""

from typing import Any, cast

import pytest
from confluent_kafka import Consumer, KafkaError

from streams.errors import BrokerAwayError
from streams.kafka.read import soon


class Record:
    """A message of partition 0, or an error."""

    def __init__(self, offset: int, error: int | None = None) -> None:
        self._offset, self._error = offset, None if error is None else KafkaError(error)

    def topic(self) -> str:
        return "t"

    def partition(self) -> int:
        return 0

    def offset(self) -> int:
        return self._offset

    def error(self) -> KafkaError | None:
        return self._error


class Fetched:
    """A consumer that has fetched messages; `waits` are the times (s) for which it was allowed to wait."""

    def __init__(self, *messages: Record) -> None:
        self._messages = list(messages)
        self.waits: list[float] = []

    def poll(self, seconds: float) -> Record | None:
        self.waits.append(seconds)
        return self._messages.pop(0) if self._messages else None

    def consume(self, most: int, seconds: float) -> list[Record]:
        self.waits.append(seconds)
        taken, self._messages = self._messages[:most], self._messages[most:]
        return taken


def offsets(consumer: Fetched, most: int) -> list[int]:
    records: list[Any] = soon(cast(Consumer, consumer), most, 0.5).records
    return [record.offset() for record in records]


def test_it_waits_for_one_record_and_for_no_more() -> None:
    consumer = Fetched(*(Record(n) for n in range(5)))
    assert offsets(consumer, 3) == [0, 1, 2]
    assert offsets(consumer, 3) == [3, 4]
    assert consumer.waits == [0.5, 0, 0.5, 0]
    assert offsets(consumer, 3) == []


def test_ends_and_errors_are_told_from_records() -> None:
    end = Record(7, KafkaError._PARTITION_EOF)
    polled = soon(cast(Consumer, Fetched(end, Record(7))), 3, 0.5)
    assert (len(polled.records), polled.ends) == (1, {("t", 0): 7})
    with pytest.raises(BrokerAwayError):
        soon(cast(Consumer, Fetched(Record(0, KafkaError.UNKNOWN_TOPIC_OR_PART))), 3, 0.5)
