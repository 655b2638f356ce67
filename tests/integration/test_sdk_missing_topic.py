"""A topic that does not exist is named at the first send; what was accepted goes to it once it does."""

import asyncio
from collections.abc import Iterator

import pytest

from impression_streams import AsyncImpressionProducer, ImpressionProducer, MissingTopicError, UndeliveredError
from impression_streams.client import PROPAGATION_MS
from streams.settings import Settings
from tests.support.kafka import running_broker
from tests.support.sdk import create_topic, impression_ids, read_all
from tests.support.wait import until

pytestmark = pytest.mark.integration

SENTENCE = r"the topic imressions\.v1 does not exist: create it \(`impressions provision` does\), or pass its name"


PROMISED_MS = 5_000


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    with running_broker(tmp_path_factory.mktemp("broker")) as settings:
        yield settings


def refused(producer: ImpressionProducer) -> MissingTopicError | None:
    """Return the refusal of another impression, once the producer knows."""
    try:
        producer.record("u1", "a-later")
    except MissingTopicError as error:
        return error
    return None


def test_a_missing_topic_is_named_at_the_first_send_by_record_and_the_log_and_close(
    broker: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    producer = ImpressionProducer(broker.kafka_bootstrap, topic="imressions.v1", flush_interval=600)
    producer.record("u1", "a1")
    producer.flush()
    until(lambda: producer.stats.retries, 60, "the first failure")
    assert PROPAGATION_MS <= PROMISED_MS / 2  # what is left of the promise is for a slow network
    with pytest.raises(MissingTopicError, match=SENTENCE):
        producer.record("u1", "a2")
    with pytest.raises(MissingTopicError, match=SENTENCE):
        producer.send_raw(b"x")
    assert producer.stats.recorded == 1
    with pytest.raises(UndeliveredError, match=rf"1 impressions .* \(not acknowledged in time: {SENTENCE}"):
        producer.close(0)
    assert next(line for line in caplog.messages if "imressions" in line).startswith("topic_missing topic='imressions")


def test_a_topic_that_is_created_soon_gets_what_was_accepted_and_ends_the_refusals(broker: Settings) -> None:
    producer = ImpressionProducer(broker.kafka_bootstrap, topic="soon", flush_interval=0.05)
    ids = [producer.record("u1", f"a{number}") for number in range(10)]
    until(lambda: refused(producer), 30, "a refusal")
    accepted = producer.stats.recorded
    create_topic(broker, "soon")
    until(lambda: producer.stats.acknowledged, 30, "what was accepted, acknowledged")
    last = producer.record("u1", "a-last")
    producer.close()
    found = impression_ids(read_all(broker, "soon"))
    assert set(ids) | {last} <= set(found)
    assert found.total() == producer.stats.acknowledged == accepted + 1


def test_a_producer_whose_records_were_given_up_tries_again(broker: Settings) -> None:
    producer = ImpressionProducer(broker.kafka_bootstrap, topic="much-later", flush_interval=0.05, delivery_timeout=1)
    first = producer.record("u1", "a1")
    until(lambda: producer.stats.failed == 1, 30, "given up")
    create_topic(broker, "much-later")
    second = producer.record("u1", "a2")
    until(lambda: not producer.stats.buffered and not producer.stats.queued, 30, "tried again")
    undelivered = producer.take_undelivered()
    with ImpressionProducer(broker.kafka_bootstrap, topic="much-later") as again:
        for flush in undelivered.flushes:
            again.send_flush(flush)
    producer.close()
    assert set(impression_ids(read_all(broker, "much-later"))) == {first, second}


def test_close_does_not_wait_for_a_topic_that_never_was(broker: Settings) -> None:
    producer = ImpressionProducer(broker.kafka_bootstrap, topic="imressions.v1")
    producer.record("u1", "a1")
    with pytest.raises(UndeliveredError, match=rf"1 impressions .* \(not acknowledged in time: {SENTENCE}"):
        producer.close(timeout=100_000)  # longer than the test may take


def test_who_awaits_the_first_acknowledgement_hears_of_a_missing_topic_at_once(broker: Settings) -> None:
    flush = {"v": 1, "flush_id": "f1", "user_id": "u1", "sent_at": 1_764_489_600_000}
    flush["impressions"] = [{"impression_id": "i1", "artwork_id": "a1", "seen_at": 1_764_489_600_000}]

    async def main() -> None:
        async with AsyncImpressionProducer(
            broker.kafka_bootstrap, topic="imressions.v1", delivery_timeout=100_000
        ) as producer:
            with pytest.raises(UndeliveredError, match=SENTENCE) as caught:
                await producer.send_flush(flush)
            assert [flush.flush_id for flush in caught.value.flushes] == ["f1"]

    asyncio.run(main())
