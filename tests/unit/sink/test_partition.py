"""When a block is due, what it holds, and how long the waits between attempts are."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from streams.kafka.names import LEDGER, REJECTED
from streams.metrics.catalogue import SINK
from streams.runtime.backoff import FIRST_SECONDS, LONGEST_SECONDS, Backoff
from streams.sink.blocks import Block
from streams.sink.feeds import FEEDS
from streams.sink.partition import BLOCK_BYTES, AssignedPartition, due
from streams.sink.position import Start
from streams.sink.read_rows import parser
from streams.sink.records import Record
from tests.support.rows import ledger
from tests.support.sink import joined

ROWS, SECONDS = 10, 0.5


def placed(topic: str = LEDGER, offset: int = 0) -> AssignedPartition:
    partition = AssignedPartition(FEEDS[topic], 1)
    partition.place("log-1", Start(offset), parser(topic))
    return partition


def named(block: Block) -> str:
    """The block's token without the name of the placing."""
    return block.token.rpartition(":")[0]


def record(offset: int, rows: int = 1) -> Record:
    return Record(offset, 0, None, joined([ledger(offset, line=n) for n in range(rows)]))


def test_a_block_is_due_when_its_oldest_record_has_waited_or_it_is_full() -> None:
    partition = placed()
    assert not partition.due(100.0, ROWS, SECONDS)
    partition.add(record(0), 100.0)
    partition.add(record(1), 100.4)
    assert partition.deadline(SECONDS) == 100.5
    assert not partition.due(100.49, ROWS, SECONDS)
    assert partition.due(100.5, ROWS, SECONDS)
    partition.add(record(2, rows=ROWS - 3), 100.4)
    assert not partition.due(100.4, ROWS, SECONDS)
    partition.add(record(3), 100.4)
    assert partition.due(100.4, ROWS, SECONDS)


def test_a_block_can_be_full_by_its_bytes() -> None:
    partition = placed(REJECTED)
    partition.add(Record(0, 0, None, bytes(BLOCK_BYTES - 1)), 0.0)
    assert not partition.due(0.0, ROWS, SECONDS)
    partition.add(Record(1, 0, None, b"x"), 0.0)
    assert partition.due(0.0, ROWS, SECONDS)


def test_a_failed_block_is_retried_unchanged() -> None:
    partition = placed()
    partition.add(record(5), 0.0)
    first = partition.block()
    partition.add(record(6), 0.0)
    assert partition.due(0.0, ROWS, SECONDS)
    assert partition.block() is first
    committed = partition.inserted()
    assert (committed.offset, committed.metadata) == (6, "log-1")
    assert partition.held
    assert named(partition.block()) == "log-1:1:6-6"
    partition.inserted()
    assert not partition.held


def test_a_block_built_by_another_thread_holds_what_was_read_before_and_is_built_once() -> None:
    partition = placed()
    partition.add(record(0), 0.0)
    partition.add(record(1), 0.0)
    with ThreadPoolExecutor(1) as maker:
        partition.prepare(maker)
        partition.add(record(2), 0.0)
        assert (partition.work(False, 0).position, partition.held) == (0, True)
        assert partition.due(0.0, ROWS, SECONDS)
        partition.prepare(maker)
        first = partition.block()
        assert (named(first), partition.block()) == ("log-1:1:0-1", first)
        partition.inserted()
        partition.prepare(maker)
        partition.unplace()
        assert not partition.held
        partition.place("log-2", Start(0), parser(LEDGER))
        partition.add(record(0), 0.0)
        assert named(partition.block()) == "log-2:1:0-0"


def test_when_a_block_is_full_only_those_at_least_half_full_are_due_with_it() -> None:
    full, half, less, failing = partitions = [placed() for _ in range(4)]
    for each, rows in ((full, ROWS), (half, ROWS // 2), (less, ROWS // 2 - 1), (failing, ROWS)):
        each.add(record(0, rows), 0.0)
    failing.backoff.fail(0.0)
    assert due(partitions, 0.0, ROWS, SECONDS) == [full, half]
    full.block()
    full.inserted()
    assert due(partitions, 0.0, ROWS, SECONDS) == []
    failing.unplace()
    assert due(partitions, SECONDS, ROWS, SECONDS) == [half, less]


def test_nothing_is_due_during_the_wait_after_a_failure() -> None:
    partition = placed()
    partition.add(record(0), 0.0)
    partition.block()
    wait = partition.backoff.fail(10.0)
    assert not partition.due(10.0 + wait * 0.99, ROWS, SECONDS)
    assert partition.due(10.0 + wait, ROWS, SECONDS)


def test_offsets_may_leave_gaps_but_never_go_back() -> None:
    partition = placed(offset=5)
    assert not partition.add(record(4), 0.0)
    assert partition.add(record(5), 0.0)
    assert partition.add(record(9), 0.0)
    assert not partition.add(record(9), 0.0)


def test_placing_a_partition_again_forgets_what_was_read() -> None:
    partition = placed()
    assert not AssignedPartition(FEEDS[LEDGER], 0).add(record(0), 0.0)
    partition.add(record(0), 0.0)
    partition.block()
    partition.add(record(1), 0.0)
    partition.unplace()
    assert partition.to_place
    assert not partition.held
    partition.place("log-2", Start(0), parser(LEDGER))
    partition.add(record(0), 0.0)
    assert named(partition.block()) == "log-2:1:0-0"


def test_a_misplaced_partition_inserts_what_it_holds_before_it_is_placed_again() -> None:
    partition = placed()
    partition.add(record(0), 0.0)
    partition.misplaced = True
    assert not partition.readable
    assert not partition.to_place
    partition.block()
    assert not partition.to_place
    partition.inserted()
    assert partition.to_place
    partition.place("log-2", Start(0), parser(LEDGER))
    assert partition.readable


def test_each_placing_has_tokens_of_its_own() -> None:
    """ClickHouse remembers the tokens of blocks that it has lost: under the same ones, they could not come back."""
    tokens = []
    for _ in range(2):
        partition = placed()
        partition.add(record(5), 0.0)
        first = partition.block().token
        assert partition.block().token == first
        tokens.append(first)
    assert tokens[0] != tokens[1]
    assert {token.rpartition(":")[0] for token in tokens} == {"log-1:1:5-5"}


def test_what_comes_after_an_unreadable_record_waits_with_it() -> None:
    partition = placed()
    partition.add(record(5), 0.0)
    partition.add(Record(7, 0, None, b"{"), 0.0)
    partition.add(record(8), 0.0)
    partition.block()
    partition.add(record(9), 0.0)
    assert partition.inserted().offset == 7
    assert (partition.held, partition.readable, partition.ready, partition.to_place) == (False, False, False, False)
    assert (partition.next_offset, partition.work(False, 0).waits) == (7, True)
    assert "offset 7 can't be read" in partition.refused
    assert partition.refused.endswith("by hand to 8")
    assert set_aside() == 1
    partition.place("log-1", Start(8), parser(LEDGER))
    assert (partition.ready, partition.refused, set_aside()) == (True, "", 0)


def set_aside() -> float | None:
    labels = {"topic": LEDGER, "partition": "1"}
    return SINK.get_sample_value("impressions_sink_partition_refused", labels)


def test_a_refusal_is_over_once_something_arrives_or_is_inserted() -> None:
    partition = placed()
    assert partition.refuse("no")
    assert not partition.refuse("no")
    assert partition.refuse("another reason")
    assert (partition.readable, partition.ready) == (True, False)
    partition.arrives()
    assert partition.ready
    partition.add(record(0), 0.0)
    partition.block()
    partition.refuse("the table is gone")
    partition.backoff.fail(0.0)
    partition.arrives()  # read before the failure
    assert partition.refused
    partition.inserted()
    assert partition.ready


def test_commits_carry_what_rows_cannot_say() -> None:
    partition = AssignedPartition(FEEDS[LEDGER], 1)
    partition.place("log-1", Start(5, floor=5), parser(LEDGER))
    assert (partition.commit_at(6).offset, partition.commit_at(6).metadata) == (6, "log-1 5")


@pytest.mark.parametrize("luck", [0.0, 0.5, 1.0])
def test_waits_grow_to_a_bound_and_start_over_after_success(luck: float) -> None:
    backoff = Backoff(jitter=lambda: luck)
    waits = [backoff.fail(0.0) for _ in range(200)]
    share = 0.5 + luck / 2
    assert waits[0] == FIRST_SECONDS * share
    assert waits[1] == 2 * waits[0]
    assert waits[-1] == LONGEST_SECONDS * share
    assert waits == sorted(waits)
    assert backoff.failing
    assert backoff.waits(waits[-1] * 0.99)
    assert not backoff.waits(waits[-1])
    backoff.succeed()
    assert not backoff.failing
    assert not backoff.waits(0.0)
    assert backoff.fail(0.0) == waits[0]
