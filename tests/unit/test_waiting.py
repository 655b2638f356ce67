"""How long the oldest record that was fetched has waited."""

from streams.kafka.waiting import Waiting


def test_the_oldest_chunk_that_is_not_done_counts() -> None:
    waiting = Waiting()
    waiting.fetched(3, 10, 1_000)
    waiting.fetched(3, 20, 2_000)
    assert waiting.seconds(3, 5.0) == 4.0
    waiting.done(3, 10)
    assert waiting.seconds(3, 5.0) == 3.0
    waiting.done(3, 20)
    assert waiting.seconds(3, 5.0) == 0.0


def test_partitions_are_told_apart() -> None:
    waiting = Waiting()
    waiting.fetched(0, 10, 1_000)
    waiting.done(1, 10)
    assert waiting.seconds(0, 2.0) == 1.0
    assert waiting.seconds(1, 2.0) == 0.0


def test_what_is_fetched_again_after_a_seek_is_done_once() -> None:
    waiting = Waiting()
    for _ in range(2):
        waiting.fetched(0, 10, 1_000)
        waiting.fetched(0, 20, 2_000)
    waiting.done(0, 10)
    waiting.done(0, 20)
    assert waiting.seconds(0, 9.0) == 0.0


def test_a_partition_given_back_is_forgotten() -> None:
    waiting = Waiting()
    waiting.fetched(0, 10, 1_000)
    waiting.forget(0)
    assert waiting.seconds(0, 9.0) == 0.0


def test_a_clock_that_is_behind_makes_no_negative_wait() -> None:
    waiting = Waiting()
    waiting.fetched(0, 10, 5_000)
    assert waiting.seconds(0, 1.0) == 0.0
