"""The sink as a process between a real broker and a real engine: nothing is lost or doubled, whatever dies when."""

import itertools
import random
import threading
from typing import Any

import pytest

from streams.kafka.admin import describe, watermarks
from streams.kafka.names import ACCEPTED, ARTWORKS, LEDGER, REJECTED
from streams.runtime.exit import EXIT_RESTART
from streams.sink.position import Committed
from tests.support.rows import rejected
from tests.support.sink import SinkProcess, joined, produce_artworks
from tests.support.sink_stack import PARTITIONS, SECONDS, SinkStack, rejected_piece
from tests.support.stack import metrics_port
from tests.support.wait import until

pytestmark = pytest.mark.integration


def test_committed_records_arrive_and_aborted_ones_do_not(stack: SinkStack) -> None:
    with stack.sink() as sink:
        for partition in range(PARTITIONS):
            stack.feeder.abort(*stack.chunk(20, partition))
        stack.offset = itertools.count()
        for partition in range(PARTITIONS):
            stack.feeder.commit(*stack.chunk(20, partition), (REJECTED, partition, rejected_piece(partition)))
        stack.check(80)
        stack.wait_rows("rejected", PARTITIONS)
        assert stack.db.rows("SELECT DISTINCT payload FROM rejected") == [("☃",)]
        large = rejected(100, payload="x" * (7 * 2**20), payload_encoding="utf-8")
        stack.feeder.commit((REJECTED, 0, joined([large])))
        stack.wait_rows("rejected", PARTITIONS + 1)
        assert stack.db.rows("SELECT max(length(payload)) FROM rejected") == [(7 * 2**20,)]
        until(lambda: sink.metric("impressions_sink_lag") == 0, SECONDS, "the lag is 0 after commit markers")
        assert sink.metric('impressions_sink_rows_total{table="impressions_raw"}') == 240
        assert sink.metric("impressions_sink_latency_seconds_count") == 13
        assert sink.stop() == 0
    topic_id = describe(stack.settings, ACCEPTED).topic_id
    offset, metadata = stack.committed(ACCEPTED, 0)
    assert (offset + 1, Committed.read(offset, metadata).topic_id) == (
        watermarks(stack.settings, ACCEPTED, 0)[1],
        topic_id,
    )


def test_a_kill_at_any_moment_loses_nothing_and_doubles_nothing(stack: SinkStack) -> None:
    # Only the moment of each kill is random; the rows before it are the same in each run.
    chance = random.Random(3)
    chunks, flushes = 120, 25
    done = threading.Event()

    def feed() -> None:
        for number in range(chunks):
            stack.feeder.commit(*stack.chunk(flushes, number % PARTITIONS))
        done.set()

    thread = threading.Thread(target=feed)
    with stack.sink() as sink:
        thread.start()
        kills = 0
        while kills < 6:
            goal = stack.count("impressions_raw") + chance.randrange(1, 600)
            until(lambda: stack.count("impressions_raw") >= goal or done.is_set(), SECONDS, "rows before a kill")  # noqa: B023
            sink.kill()
            kills += 1
            sink.start()
        thread.join()
        stack.check(chunks * flushes)


def test_a_rewind_changes_nothing(stack: SinkStack) -> None:
    with stack.sink() as sink:
        stack.feeder.commit(*stack.chunk(30, 1))
        stack.check(30)
        assert sink.stop() == 0
    stack.wait_no_member()
    before = stack.committed(LEDGER, 1)
    stack.set_offsets(1, 0)
    with stack.sink() as sink:
        until(lambda: stack.committed(LEDGER, 1)[0] == before[0], SECONDS, "the commit follows what ClickHouse has")
        stack.feeder.commit(*stack.chunk(30, 1))
        stack.wait_rows("ledger", 60)
        assert sink.metric('impressions_sink_rows_total{table="ledger_raw"}') == 30
        stack.check(60)


def test_the_rules_of_the_catalogue_hold_across_a_restart(stack: SinkStack) -> None:
    def value(ordinal: int, **more: Any) -> dict[str, Any]:
        return {"pool_id": "main", "ordinal": ordinal} | more

    def known() -> list[tuple[Any, ...]]:
        return stack.db.rows("SELECT artwork_id, pool_id, ordinal, retired, dna FROM artworks ORDER BY ALL")

    with stack.sink() as sink:
        produce_artworks(
            stack.settings,
            ARTWORKS,
            [
                ("a1", value(1, dna=[0.5, 1])),
                ("a2", b"no JSON"),
                ("a2", value(1)),  # ordinal of a1
                ("a1", value(3)),  # another ordinal than before
                ("a3", None),  # never existed
                ("bad id", value(9)),
                ("a4", value(4, pool_id="other")),
                ("a4", None),
            ],
        )
        expected = [("a1", "main", 1, False, [0.5, 1.0]), ("a4", "other", 4, True, [])]
        until(lambda: known() == expected, SECONDS, "the catalogue has arrived")
        sink.kill()
        sink.start()
        produce_artworks(stack.settings, ARTWORKS, [("a5", value(4)), ("a1", value(1, retired=True)), ("a6", value(6))])
        until(
            lambda: known() == [("a1", "main", 1, True, []), expected[1], ("a6", "main", 6, False, [])],
            SECONDS,
            "the records after the restart, without the one that uses a4's ordinal",
        )
        assert sink.metric("impressions_sink_refused_artworks_total") == 1
        assert sink.stop() == 0
    assert stack.count("artworks_raw") == 5


def test_a_second_process_with_the_same_name_replaces_the_first(stack: SinkStack) -> None:
    with stack.sink() as first:
        first.wait_ready()
        other = stack.settings.model_copy(update={"metrics_port": metrics_port()})
        (stack.folder / "second").mkdir()
        with SinkProcess(other, stack.folder / "second") as second:
            assert first.wait_exit() == EXIT_RESTART
            assert "sink 0 was replaced" in first.log.read_text()
            stack.feeder.commit(*stack.chunk(10, 2))
            stack.check(10)
            assert second.stop() == 0


def test_two_sinks_share_the_partitions_and_one_takes_over(stack: SinkStack) -> None:
    with stack.sink(0) as first, stack.sink(1) as second:
        until(lambda: len(_committed_gauges(first)) > 0, SECONDS, "the first one reads")

        def shared() -> bool:
            counts = [sink.metrics().count("impressions_sink_lag{") for sink in (first, second)]
            return sum(counts) == 3 * PARTITIONS + 1 and min(counts) > 0

        until(shared, SECONDS, "both have partitions")
        for partition in range(PARTITIONS):
            stack.feeder.commit(*stack.chunk(20, partition))
        stack.check(80)
        second.kill()
        for partition in range(PARTITIONS):
            stack.feeder.commit(*stack.chunk(20, partition))
        stack.check(160)


def _committed_gauges(sink: SinkProcess) -> list[str]:
    return [line for line in sink.metrics().splitlines() if line.startswith("impressions_sink_lag{")]
