"""What a producer's open transaction keeps from being read, for how long, and the lag that fetches don't show."""

from collections.abc import Iterable

from confluent_kafka import IsolationLevel
from prometheus_client import Gauge

from streams.metrics import availability
from streams.metrics import catalogue as metrics
from streams.worker.source_ends import SourceEnds


class Source:
    """Two partitions: their ends for everyone and for readers of committed records, and what was fetched."""

    def __init__(self) -> None:
        self.high, self.stable = {0: 0, 1: 0}, {0: 0, 1: 0}
        self.fetched = {0: 0, 1: 0}
        self.assigned = {0, 1}
        self.ends = SourceEnds(self._ends, lambda: self.assigned, lambda: self.fetched)

    def _ends(self, numbers: Iterable[int], isolation: IsolationLevel) -> dict[int, int]:
        found = self.high if isolation is IsolationLevel.READ_UNCOMMITTED else self.stable
        return {number: found[number] for number in numbers if number in found}


def shown(metric: Gauge) -> dict[str, float]:
    (family,) = metric.collect()
    return {sample.labels["partition"]: sample.value for sample in family.samples}


def test_an_open_transaction_shows_how_much_it_hides_and_since_when() -> None:
    source = Source()
    source.ends.look(100)
    assert shown(availability.source_unreadable_offsets) == {"0": 0, "1": 0}
    assert shown(availability.source_unreadable_seconds) == {"0": 0, "1": 0}

    source.high[1] = 30
    source.stable[1] = source.fetched[1] = 10
    source.ends.look(105)
    source.high[1] = 50
    source.ends.look(125)
    assert shown(availability.source_unreadable_offsets) == {"0": 0, "1": 40}
    assert shown(availability.source_unreadable_seconds) == {"0": 0, "1": 20}
    assert shown(metrics.worker_lag)["1"] == 40, "no chunk came that could have said so"

    source.stable[1] = 20
    source.ends.look(130)
    assert shown(availability.source_unreadable_seconds)["1"] == 0, "another transaction than before"
    source.stable[1] = source.fetched[1] = 50
    source.ends.look(135)
    assert shown(availability.source_unreadable_offsets)["1"] == 0
    assert shown(availability.source_unreadable_seconds)["1"] == 0
    assert shown(metrics.worker_lag)["1"] == 0


def test_a_look_without_an_answer_leaves_a_partition_as_it_was() -> None:
    source = Source()
    source.high[0] = 7
    source.ends.look(0)
    high = source.high.pop(0)
    source.ends.look(10)
    assert shown(availability.source_unreadable_offsets)["0"] == 7
    source.high[0] = high
    source.ends.look(20)
    assert shown(availability.source_unreadable_seconds)["0"] == 20


def test_a_partition_that_is_not_read_has_no_lag_of_ours() -> None:
    """Where its reader would be is not known; that nobody reads it shows elsewhere."""
    source = Source()
    metrics.worker_lag.clear()
    source.high[1] = source.stable[1] = 9
    del source.fetched[1]
    source.ends.look(0)
    assert shown(metrics.worker_lag) == {"0": 0}


def test_a_partition_that_was_given_back_is_forgotten() -> None:
    source = Source()
    source.ends.look(0)
    source.assigned = {1}
    source.ends.look(5)
    assert shown(availability.source_unreadable_offsets) == {"1": 0}
    assert shown(availability.source_unreadable_seconds) == {"1": 0}
    assert shown(metrics.worker_lag) == {"1": 0}
