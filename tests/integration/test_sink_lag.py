"""The sink's lag between a real broker and a real engine: it counts records, and moves while ClickHouse hangs."""

import pytest

from streams.kafka.names import ACCEPTED, LEDGER
from tests.support.sink import SinkProcess
from tests.support.sink_stack import SECONDS, SinkStack
from tests.support.wait import until

pytestmark = pytest.mark.integration


def lag(sink: SinkProcess, topic: str, unit: str = "") -> float:
    found = sink.metric(f'impressions_sink_lag{unit}{{partition="0",topic="{topic}"}}')
    return -1.0 if found is None else found


def test_the_lag_grows_while_clickhouse_hangs_and_counts_no_markers_afterwards(stack: SinkStack) -> None:
    flushes, transactions = 2, 12
    with stack.sink() as sink:
        stack.feeder.commit(*stack.chunk(flushes, 0))
        stack.wait_rows("ledger", flushes)
        until(lambda: lag(sink, LEDGER) == 0, SECONDS, "the marker after the only record is no lag")
        with stack.engine.hanging():
            # Its insert gets no answer for up to a minute, and its loop does nothing else meanwhile.
            stack.feeder.commit(*stack.chunk(flushes, 0))
            until(lambda: lag(sink, ACCEPTED) + lag(sink, LEDGER) >= 2, SECONDS, "the record that hangs is a lag")
            before = lag(sink, LEDGER, "_seconds")
            for _ in range(transactions):
                stack.feeder.commit(*stack.chunk(flushes, 0))
            until(lambda: lag(sink, LEDGER) > transactions / 2, SECONDS, "what comes meanwhile is a lag")
            until(lambda: lag(sink, LEDGER, "_seconds") > before > 0, SECONDS, "its age grows")
            # Each of these transactions is a record and a marker.
            assert lag(sink, LEDGER) <= transactions + 2
        stack.check((transactions + 2) * flushes)
        until(lambda: lag(sink, ACCEPTED) == lag(sink, LEDGER) == 0, SECONDS, "everything is there")
        assert lag(sink, LEDGER, "_seconds") == 0
        assert sink.stop() == 0
