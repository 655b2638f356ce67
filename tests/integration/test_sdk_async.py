"""AsyncImpressionProducer against a real broker: nothing blocks the loop, and each batch of acks wakes it once."""

import asyncio
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from impression_streams import AsyncImpressionProducer, BufferFullError, Delivery, ImpressionProducer, UndeliveredError
from streams.embedded.components import component
from streams.settings import Settings
from tests.support.kafka import running_broker
from tests.support.sdk import create_topic, dead_address, impression_ids, read_all

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    with running_broker(tmp_path_factory.mktemp("broker")) as settings:
        yield settings


@pytest.fixture
def topic(broker: Settings, request: pytest.FixtureRequest) -> str:
    """The test's own topic, with the settings of impressions.v1."""
    create_topic(broker, request.node.name)
    return str(request.node.name)


def flush_of(number: int) -> dict[str, Any]:
    impression = {"impression_id": f"i{number}", "artwork_id": "a1", "seen_at": 1_764_489_600_000}
    user = f"u{number % 7}"
    return {
        "v": 1,
        "flush_id": f"f{number}",
        "user_id": user,
        "sent_at": 1_764_489_600_000,
        "impressions": [impression],
    }


def test_what_tasks_record_and_send_arrives_once(broker: Settings, topic: str) -> None:
    reported: list[Delivery] = []

    async def main() -> list[str]:
        async with AsyncImpressionProducer(
            broker.kafka_bootstrap, topic=topic, on_delivery=reported.append
        ) as producer:
            ids = await asyncio.gather(*(producer.record(f"u{n % 5}", f"a{n}") for n in range(500)))
            deliveries = await asyncio.gather(*(producer.send_flush(flush_of(n)) for n in range(500)))
            assert [d.flush_id for d in deliveries] == [f"f{n}" for n in range(500)]
            assert all(d.error is None and d.offset >= 0 and d.latency_ms > 0 for d in deliveries)
            await producer.flush()
            assert await producer.wait(30)
            raw = await producer.send_raw(b"not json", partition=2)
            assert (raw.partition, raw.error) == (2, None)
            stats = producer.stats
            assert (stats.acknowledged, stats.records_acknowledged) == (1000, 5 + 500 + 1)
        return list(ids)

    ids = asyncio.run(main())
    records = read_all(broker, topic)
    assert len(reported) == len(records) == 506
    found = impression_ids([record for record in records if record.value() != b"not json"])
    assert found == Counter([*ids, *(f"i{number}" for number in range(500))])


def test_the_loop_is_woken_once_for_each_batch_of_acknowledgements(broker: Settings, topic: str) -> None:
    async def main() -> int:
        async with AsyncImpressionProducer(broker.kafka_bootstrap, topic=topic) as producer:
            await asyncio.gather(*(producer.send_flush(flush_of(n)) for n in range(2000)))
            return producer._bridge.wake_ups

    # 2,000 that are sent at once come back in a few responses of the broker.
    assert 1 <= asyncio.run(main()) < 400


def test_the_loop_turns_while_the_broker_hangs_and_while_room_and_close_are_awaited(
    broker: Settings, topic: str
) -> None:
    process = component("kafka", broker).program

    async def main() -> None:
        turns = 0

        async def turn() -> None:
            nonlocal turns
            while True:
                await asyncio.sleep(0.001)
                turns += 1

        ticking = asyncio.create_task(turn())
        producer = AsyncImpressionProducer(
            broker.kafka_bootstrap, topic=topic, max_buffered=3, batch_size=1, max_block=1.0
        )
        first = await producer.send_flush(flush_of(0))
        assert first.error is None
        process.send(signal.SIGSTOP)
        try:
            ids = [await producer.record("u1", f"a{n}") for n in range(3)]
            before = turns
            with pytest.raises(BufferFullError, match="3 impressions are not acknowledged yet; the most is 3"):
                await producer.record("u1", "a3")
            assert turns - before > 20
            before = turns
            assert not await producer.wait(0.5)
            with pytest.raises(UndeliveredError) as caught:
                await producer.close(0.5)
            assert turns - before > 20
        finally:
            process.send(signal.SIGCONT)
            ticking.cancel()
        assert [i.impression_id for flush in caught.value.flushes for i in flush.impressions] == ids

    asyncio.run(main())


def test_room_that_becomes_free_lets_the_next_in(broker: Settings, topic: str) -> None:
    async def main() -> list[str]:
        async with AsyncImpressionProducer(
            broker.kafka_bootstrap, topic=topic, max_buffered=5, batch_size=1
        ) as producer:
            return await asyncio.gather(*(producer.record(f"u{n % 3}", f"a{n}") for n in range(200)))

    ids = asyncio.run(main())
    assert impression_ids(read_all(broker, topic)) == Counter(ids)


def test_a_flush_that_is_given_up_is_its_callers_unless_nobody_waits_any_more(topic: str) -> None:
    async def main(address: str) -> None:
        producer = AsyncImpressionProducer(address, topic=topic, delivery_timeout=0.3)
        waiting = asyncio.create_task(producer.send_flush(flush_of(1)))
        cancelled = asyncio.create_task(producer.send_flush(flush_of(2)))
        await asyncio.sleep(0)
        cancelled.cancel()
        with pytest.raises(UndeliveredError, match="1 impressions in 1 flushes were not acknowledged") as caught:
            await waiting
        assert [flush.flush_id for flush in caught.value.flushes] == ["f1"]
        with pytest.raises(UndeliveredError) as rest:
            await producer.close()
        assert [flush.flush_id for flush in rest.value.flushes] == ["f2"]
        await producer.close()
        with pytest.raises(RuntimeError, match="the producer is closed"):
            await producer.record("u1", "a1")

    with dead_address() as address:
        asyncio.run(main(address))


def test_an_error_in_the_callback_stops_nothing_and_is_raised_by_close(broker: Settings, topic: str) -> None:
    def refuse(delivery: Delivery) -> None:
        raise LookupError(delivery.flush_id)

    async def main() -> None:
        producer = AsyncImpressionProducer(broker.kafka_bootstrap, topic=topic, on_delivery=refuse)
        await asyncio.gather(*(producer.send_flush(flush_of(n)) for n in range(10)))
        with pytest.raises(LookupError):
            await producer.close()

    asyncio.run(main())


def test_a_producer_belongs_to_one_loop(broker: Settings, topic: str) -> None:
    made = AsyncImpressionProducer(broker.kafka_bootstrap, topic=topic)  # outside of any: the first to use it has it
    asyncio.run(made.record("u1", "a1"))
    with pytest.raises(RuntimeError, match="another event loop"):
        asyncio.run(made.record("u1", "a2"))
    assert isinstance(made, AsyncImpressionProducer)
    assert not isinstance(made, ImpressionProducer)


def test_a_forgotten_one_delivers_at_exit(broker: Settings, topic: str) -> None:
    script = (
        "import asyncio\n"
        "from impression_streams import AsyncImpressionProducer\n"
        "async def main():\n"
        f"    producer = AsyncImpressionProducer({broker.kafka_bootstrap!r}, topic={topic!r}, on_delivery=print)\n"
        "    await producer.record('u1', 'a1', impression_id='i1')\n"
        "asyncio.run(main())\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert impression_ids(read_all(broker, topic)) == Counter(["i1"])
