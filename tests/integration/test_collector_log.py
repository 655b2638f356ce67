"""The collector's log on a real broker: what is acknowledged is there, and what can't be is said, and by when."""

import asyncio
import os
from collections.abc import Awaitable, Callable, Iterator, Sequence
from pathlib import Path

import pytest
from confluent_kafka.admin import AdminClient, NewPartitions, NewTopic

from streams.collector.errors import LineRefusedError, UnavailableError
from streams.collector.log import Log
from streams.errors import UserError
from streams.kafka import names
from streams.settings import Settings
from tests.support.kafka import running_broker, start_broker, stop_broker
from tests.support.source import lines, records
from tests.support.wait import until

SECONDS = 60.0
LINES = [b"%d:%d" % (number, number % 4) for number in range(200)]


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    with running_broker(tmp_path_factory.mktemp("log")) as settings:
        yield settings


@pytest.fixture
def topic(broker: Settings) -> Settings:
    """A broker whose topic is empty, with four partitions."""
    recreate(broker, 4)
    return broker


def admin(settings: Settings) -> AdminClient:
    return AdminClient({"bootstrap.servers": settings.kafka_bootstrap, "log_level": 0})


def delete(settings: Settings) -> None:
    client = admin(settings)
    if names.IMPRESSIONS in client.list_topics(timeout=SECONDS).topics:
        client.delete_topics([names.IMPRESSIONS])[names.IMPRESSIONS].result(SECONDS)
        until(lambda: names.IMPRESSIONS not in client.list_topics(timeout=SECONDS).topics, SECONDS, "it is deleted")


def create(settings: Settings, partitions: int) -> None:
    new = NewTopic(names.IMPRESSIONS, partitions, 1, config={"max.message.bytes": "100000"})
    client = admin(settings)  # kept: without it, nobody would wait for the answer
    client.create_topics([new])[names.IMPRESSIONS].result(SECONDS)


def recreate(settings: Settings, partitions: int) -> None:
    delete(settings)
    create(settings, partitions)


def run(settings: Settings, body: Callable[[Log], Awaitable[None]]) -> None:
    """Run a test's body with a log that has been started."""

    async def main() -> None:
        log = Log(settings)
        try:
            await log.start()
            await body(log)
        finally:
            await log.close()

    asyncio.run(main())


async def becomes(condition: Callable[[], object], what: str) -> None:
    """Wait for a condition of the loop's own objects."""
    async with asyncio.timeout(SECONDS):
        while not condition():
            await asyncio.sleep(0.02)
    assert condition(), what


async def appended(log: Log, each: Sequence[tuple[int, bytes]]) -> None:
    """Append each line as a request of its own, all at once."""
    await asyncio.gather(*(log.append([line]) for line in each))


def test_what_was_appended_is_in_the_log_in_few_records(topic: Settings) -> None:
    async def body(log: Log) -> None:
        assert log.partitions == 4
        assert log.why_not_ready() is None
        await appended(log, [(int(line[-1:]), line) for line in LINES])
        assert (log.waiting_bytes, log.oldest_seconds) == (0, 0.0)

    run(topic, body)
    found = lines(topic)
    assert sorted(found) == sorted((int(line[-1:]), line) for line in LINES)
    assert all(partition == int(line[-1:]) for partition, line in found)
    # The first line of each partition, and what came while it was on its way.
    assert len(records(topic)) == 8
    for partition in range(4):
        ours = [line for number, line in found if number == partition]
        assert ours == [line for line in LINES if int(line[-1:]) == partition], "in their order"


def test_a_line_that_the_broker_refuses_fails_alone(topic: Settings) -> None:
    large = os.urandom(200_000).hex().encode()

    async def body(log: Log) -> None:
        first = asyncio.ensure_future(log.append([(0, b"first")]))
        others = [asyncio.ensure_future(log.append([(0, line)])) for line in (b"a", large, b"b")]
        done = await asyncio.gather(first, *others, return_exceptions=True)
        assert [type(each) for each in done] == [type(None), type(None), LineRefusedError, type(None)]
        assert log.why_not_ready() is None

    run(topic, body)
    assert lines(topic) == [(0, b"first"), (0, b"a"), (0, b"b")]


def test_a_topic_that_is_missing_is_waited_for(broker: Settings) -> None:
    delete(broker)

    async def body(log: Log) -> None:
        assert "no topic impressions.v1" in (log.why_not_ready() or "")
        with pytest.raises(UnavailableError, match=r"no topic impressions\.v1"):
            assert log.partitions
        await asyncio.to_thread(create, broker, 2)
        await becomes(lambda: log.why_not_ready() is None, "the topic is found")
        assert log.partitions == 2
        await log.append([(1, b"now")])

    run(broker, body)
    assert lines(broker) == [(1, b"now")]


def test_a_topic_that_grows_is_noticed(broker: Settings) -> None:
    recreate(broker, 1)

    async def body(log: Log) -> None:
        assert log.partitions == 1
        client = admin(broker)
        grown = client.create_partitions([NewPartitions(names.IMPRESSIONS, 3)])
        await asyncio.to_thread(grown[names.IMPRESSIONS].result, SECONDS)
        await becomes(lambda: log.partitions == 3, "its partitions are counted")
        await log.append([(2, b"grown")])

    run(broker, body)
    assert lines(broker) == [(2, b"grown")]


def test_a_topic_that_is_recreated_is_another_log_and_nothing_is_called_stored_that_is_not(topic: Settings) -> None:
    async def body(log: Log) -> None:
        for number in range(20):
            await log.append([(0, b"old %d" % number)])
        await asyncio.to_thread(recreate, topic, 4)
        stored = []

        async def again() -> bool:
            line = b"new %d" % len(tried)
            tried.append(line)
            try:
                await log.append([(0, line)])
            except UnavailableError:
                return False
            stored.append(line)
            return True

        tried: list[bytes] = []
        async with asyncio.timeout(SECONDS):
            while not await again():
                await asyncio.sleep(0.1)
        for _ in range(20):
            assert await again()
        found = [line for _, line in await asyncio.to_thread(lines, topic)]
        assert set(stored) <= set(found) <= set(tried)

    run(topic, body)


def test_while_the_broker_is_away_everyone_is_told_in_time_and_then_it_goes_on(tmp_path: Path) -> None:
    with running_broker(tmp_path) as settings:
        create(settings, 4)

        async def body(log: Log) -> None:
            await log.append([(0, b"before")])
            await asyncio.to_thread(stop_broker, settings)
            waiting = [asyncio.ensure_future(log.append([(0, b"lost %d" % number)])) for number in range(3)]
            await becomes(lambda: log.why_not_ready() is not None, "it is not ready")
            assert log.waiting_bytes > 0
            done = await asyncio.gather(*waiting, return_exceptions=True)
            assert [type(each) for each in done] == [UnavailableError] * 3
            assert log.waiting_bytes == 0
            assert log.why_not_ready() is not None
            await asyncio.to_thread(start_broker, settings)
            await becomes(lambda: log.why_not_ready() is None, "it is ready")
            await log.append([(0, b"after")])

        run(settings, body)
        found = [line for _, line in lines(settings)]
        assert found[0] == b"before"
        assert found[-1] == b"after"


def test_an_end_waits_for_what_is_on_its_way(topic: Settings) -> None:
    async def body(log: Log) -> None:
        waiting = [asyncio.ensure_future(log.append([(0, b"%d" % number)])) for number in range(50)]
        await asyncio.sleep(0)  # they are taken
        assert log.waiting_bytes > 0
        assert await log.drain(SECONDS)
        await asyncio.gather(*waiting)

    run(topic, body)
    assert len(lines(topic)) == 50


def test_brokers_that_refuse_us_are_no_reason_to_wait(broker: Settings) -> None:
    wrong = broker.model_copy(update={"kafka_security_protocol": "SASL_SSL"})  # without a user
    with pytest.raises(UserError, match="IMPRESSIONS_KAFKA_USERNAME"):
        run(wrong, lambda _log: asyncio.sleep(0))


def test_without_a_broker_it_starts_and_says_what_it_waits_for() -> None:
    async def body(log: Log) -> None:
        assert "No Kafka broker answers" in (log.why_not_ready() or "")
        with pytest.raises(UnavailableError):
            assert log.partitions

    run(Settings(kafka_bootstrap="127.0.0.1:1"), body)
