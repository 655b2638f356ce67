"""How long the oldest fetched record has waited."""

from streams.worker.in_flight import InFlight


def test_the_oldest_uncommitted_chunk_counts() -> None:
    in_flight = InFlight()
    in_flight.fetched(3, (10, 0), 1_000)
    in_flight.fetched(3, (20, 0), 2_000)
    assert in_flight.seconds(3, 5.0) == 4.0
    in_flight.done(3, (10, 0))
    assert in_flight.seconds(3, 5.0) == 3.0
    in_flight.done(3, (20, 0))
    assert in_flight.seconds(3, 5.0) == 0.0


def test_partitions_are_independent() -> None:
    in_flight = InFlight()
    in_flight.fetched(0, (10, 0), 1_000)
    in_flight.done(1, (10, 0))
    assert in_flight.seconds(0, 2.0) == 1.0
    assert in_flight.seconds(1, 2.0) == 0.0


def test_chunks_fetched_twice_are_done_together() -> None:
    in_flight = InFlight()
    for _ in range(2):
        in_flight.fetched(0, (10, 0), 1_000)
        in_flight.fetched(0, (20, 0), 2_000)
    in_flight.done(0, (10, 0))
    in_flight.done(0, (20, 0))
    assert in_flight.seconds(0, 9.0) == 0.0


def test_a_partition_given_back_is_forgotten() -> None:
    in_flight = InFlight()
    in_flight.fetched(0, (10, 0), 1_000)
    in_flight.forget(0)
    assert in_flight.seconds(0, 9.0) == 0.0


def test_a_slow_clock_gives_no_negative_wait() -> None:
    in_flight = InFlight()
    in_flight.fetched(0, (10, 0), 5_000)
    assert in_flight.seconds(0, 1.0) == 0.0
