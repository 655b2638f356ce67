"""Packing: one record of a partition in flight, and what comes meanwhile is the next."""

import asyncio
from collections.abc import Awaitable, Callable
from random import Random

import pytest

from streams.collector.errors import LineRefusedError, UnavailableError
from streams.collector.packing import RECORD_BYTES, Packer, Record


class Broker:
    """Takes records, and answers when the test says."""

    def __init__(self) -> None:
        self.packer = Packer(self._send)
        self.sent: list[Record] = []
        self.log: list[tuple[int, bytes]] = []

    def _send(self, record: Record) -> None:
        self.sent.append(record)

    def acknowledge(self, number: int = 0) -> None:
        record = self.sent.pop(number)
        self.log += [(record.partition, line) for line in record.value().split(b"\n")]
        self.packer.acknowledged(record)


@pytest.fixture
def broker() -> Broker:
    return Broker()


def run(body: Callable[[], Awaitable[None]]) -> None:
    async def main() -> None:
        await body()

    asyncio.run(main())


def test_the_first_line_goes_at_once_and_what_comes_meanwhile_is_the_next_record(broker: Broker) -> None:
    async def body() -> None:
        futures = [broker.packer.add([(0, line)], 0.0) for line in (b"a", b"b", b"c")]
        assert [record.value() for record in broker.sent] == [b"a"]
        broker.acknowledge()
        assert [record.value() for record in broker.sent] == [b"b\nc"]
        assert [future.done() for future in futures] == [True, False, False]
        broker.acknowledge()
        await asyncio.gather(*futures)
        assert broker.packer.waiting_bytes == 0
        assert broker.packer.empty.is_set()
        assert broker.packer.oldest() is None

    run(body)


def test_partitions_do_not_wait_for_each_other(broker: Broker) -> None:
    async def body() -> None:
        slow = broker.packer.add([(0, b"slow")], 0.0)
        fast = broker.packer.add([(1, b"fast")], 0.0)
        broker.acknowledge(1)
        await fast
        assert not slow.done()

    run(body)


def test_lines_of_one_request_travel_together_and_it_waits_for_all(broker: Broker) -> None:
    async def body() -> None:
        future = broker.packer.add([(0, b"a"), (1, b"b"), (0, b"c")], 0.0)
        assert {record.value() for record in broker.sent} == {b"a\nc", b"b"}
        broker.acknowledge()
        assert not future.done()
        broker.acknowledge()
        await future

    run(body)


def test_a_record_has_a_size_and_a_larger_line_goes_alone(broker: Broker) -> None:
    async def body() -> None:
        half, whole = b"h" * (RECORD_BYTES // 2), b"w" * (2 * RECORD_BYTES)
        futures = [broker.packer.add([(0, line)], 0.0) for line in (b"first", half, half, whole, b"a", b"b")]
        sizes = []
        while broker.sent:
            sizes.append(broker.sent[0].size)
            assert broker.sent[0].size == len(broker.sent[0].value())
            broker.acknowledge()
        # Two halves and the byte between them are one too many.
        assert sizes == [5, len(half), len(half), len(whole), 3]
        await asyncio.gather(*futures)

    run(body)


def test_one_failed_record_fails_its_requests_and_what_waited_behind_it(broker: Broker) -> None:
    async def body() -> None:
        both = broker.packer.add([(0, b"a"), (1, b"b")], 0.0)
        behind = broker.packer.add([(0, b"c")], 0.0)
        other = broker.packer.add([(1, b"d")], 0.0)
        broker.packer.failed(broker.sent.pop(0), "timed out")
        for future in (both, behind):
            with pytest.raises(UnavailableError, match="timed out"):
                await future
        assert [record.value() for record in broker.sent] == [b"b"]
        broker.acknowledge()
        broker.acknowledge()
        await other
        assert broker.packer.waiting_bytes == 0
        again = broker.packer.add([(0, b"e")], 0.0)
        broker.acknowledge()
        await again

    run(body)


def test_a_line_that_is_refused_for_good_fails_alone(broker: Broker) -> None:
    async def body() -> None:
        first = broker.packer.add([(0, b"first")], 0.0)
        futures = {line: broker.packer.add([(0, line)], 0.0) for line in (b"a", b"bad", b"c")}
        broker.acknowledge()
        late = broker.packer.add([(0, b"late")], 0.0)
        broker.packer.refused(broker.sent.pop(), "too large")
        while broker.sent:
            if broker.sent[0].value() == b"bad":
                broker.packer.refused(broker.sent.pop(), "too large")
            else:
                broker.acknowledge()
        with pytest.raises(LineRefusedError, match="too large"):
            await futures.pop(b"bad")
        await asyncio.gather(first, late, *futures.values())
        assert [line for _, line in broker.log] == [b"first", b"a", b"c", b"late"], "in their order"

    run(body)


def test_whoever_waits_too_long_is_told_and_the_line_stays_on_its_way(broker: Broker) -> None:
    async def body() -> None:
        old, young = broker.packer.add([(0, b"old")], 1.0), broker.packer.add([(0, b"young")], 5.0)
        assert broker.packer.oldest() == 1.0
        broker.packer.expire(3.0, "too long")
        with pytest.raises(UnavailableError, match="too long"):
            await old
        assert broker.packer.waiting_bytes == len(b"oldyoung")
        broker.acknowledge()
        broker.acknowledge()
        await young
        assert broker.packer.waiting_bytes == 0

    run(body)


def test_nobody_needs_to_wait(broker: Broker) -> None:
    async def body() -> None:
        gone = broker.packer.add([(0, b"a")], 0.0)
        gone.cancel()
        broker.acknowledge()
        assert broker.packer.empty.is_set()

    run(body)


def test_whatever_happens_each_request_has_one_answer_and_202_only_if_all_of_it_is_in_the_log() -> None:
    for seed in range(200):
        run(lambda seed=seed: _random(Random(seed)))  # type: ignore[misc]


async def _random(rng: Random) -> None:
    broker, requests = Broker(), []
    for number in range(60):
        lines = [(rng.randrange(3), b"%d.%d" % (number, n)) for n in range(rng.randrange(1, 4))]
        requests.append((lines, broker.packer.add(lines, float(number))))
        while broker.sent and rng.random() < 0.5:
            record = rng.choice(broker.sent)
            match rng.randrange(6):
                case 0:
                    broker.sent.remove(record)
                    broker.packer.failed(record, "away")
                case 1:
                    broker.sent.remove(record)
                    broker.packer.refused(record, "refused")
                case _:
                    broker.acknowledge(broker.sent.index(record))
        in_flight = [record.partition for record in broker.sent]
        assert len(in_flight) == len(set(in_flight)), "one record of a partition in flight"
    while broker.sent:
        broker.acknowledge()
    assert broker.packer.empty.is_set()
    assert broker.packer.waiting_bytes == 0
    logged = broker.log
    assert len(logged) == len(set(logged)), "nothing is sent twice by itself"
    for lines, future in requests:
        assert future.done()
        if future.exception() is None:
            assert set(lines) <= set(logged)
        else:
            assert isinstance(future.exception(), UnavailableError | LineRefusedError)
