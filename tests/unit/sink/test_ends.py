"""The lag of a sink moves although its loop waits for ClickHouse: where partitions end is asked in another thread."""

import threading
from collections.abc import Iterable

import pytest

from streams.kafka.names import LEDGER, REJECTED
from streams.metrics.catalogue import SINK
from streams.sink import ends as module
from streams.sink.ends import Ends
from streams.sink.feeds import FEEDS
from streams.sink.partition import AssignedPartition
from streams.sink.position import Start
from streams.sink.read_rows import parser
from streams.sink.records import Record
from tests.support.rows import ledger
from tests.support.sink import joined

SECONDS = 30.0


def placed(topic: str, number: int) -> AssignedPartition:
    partition = AssignedPartition(FEEDS[topic], number)
    partition.place("log-1", Start(0), parser(topic))
    return partition


def shown(metric: str, topic: str, number: int) -> float | None:
    return SINK.get_sample_value(metric, {"topic": topic, "partition": str(number)})


class Broker:
    """Where each topic's partitions end."""

    def __init__(self) -> None:
        self.ends: dict[tuple[str, int], int] = {}

    def __call__(self, topic: str, numbers: Iterable[int]) -> dict[int, int]:
        return {number: self.ends[topic, number] for number in numbers if (topic, number) in self.ends}


def test_the_lag_grows_while_the_block_being_inserted_gets_no_answer() -> None:
    partition, broker = placed(LEDGER, 71), Broker()
    partition.add(Record(0, 0, None, joined([ledger(0)])), 0.0)
    partition.block()  # and then the loop waits for the answer
    looks = Ends(broker, lambda: [partition])
    broker.ends[LEDGER, 71] = 1
    looks.look()
    assert shown("impressions_sink_lag", LEDGER, 71) == 1
    first = shown("impressions_sink_lag_seconds", LEDGER, 71)
    broker.ends[LEDGER, 71] = 10
    looks.look()
    assert shown("impressions_sink_lag", LEDGER, 71) == 10
    second = shown("impressions_sink_lag_seconds", LEDGER, 71)
    assert first is not None
    assert second is not None
    assert second > first > 0


def test_a_partition_that_is_paused_before_it_held_anything_lags_too(monkeypatch: pytest.MonkeyPatch) -> None:
    partition, broker, now = placed(REJECTED, 72), Broker(), [1000.0]
    monkeypatch.setattr("streams.sink.partition.time.time", lambda: now[0])
    looks = Ends(broker, lambda: [partition])
    broker.ends[REJECTED, 72] = 4
    looks.look()
    now[0] = 1007.0
    looks.look()
    assert shown("impressions_sink_lag", REJECTED, 72) == 4
    assert shown("impressions_sink_lag_seconds", REJECTED, 72) == 7


def test_without_an_answer_the_end_that_was_known_last_counts() -> None:
    partition, broker = placed(LEDGER, 73), Broker()
    looks = Ends(broker, lambda: [partition])
    broker.ends[LEDGER, 73] = 4
    looks.look()
    broker.ends.clear()
    looks.look()
    assert shown("impressions_sink_lag", LEDGER, 73) == 4


def test_a_partition_that_was_given_back_shows_nothing_any_more() -> None:
    partition, broker = placed(LEDGER, 74), Broker()
    broker.ends[LEDGER, 74] = 4
    looks = Ends(broker, lambda: [partition])
    looks.look()
    partition.forget()
    looks.look()
    assert shown("impressions_sink_lag", LEDGER, 74) is None
    assert shown("impressions_sink_lag_seconds", LEDGER, 74) is None


def test_what_ends_the_watch_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SECONDS", 0.0)
    reported: list[BaseException] = []
    told = threading.Event()

    def failed(error: BaseException) -> None:
        reported.append(error)
        told.set()

    def broken() -> list[AssignedPartition]:
        raise RuntimeError("no partitions")

    Ends(Broker(), broken).watch(failed)
    assert told.wait(SECONDS)
    assert str(reported[0]) == "no partitions"
