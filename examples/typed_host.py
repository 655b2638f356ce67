"""A host's code with every public name of the SDK, for `mypy --strict` against the installed package (tools.wheel)."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import assert_type

from impression_streams import (
    AsyncHttpImpressionProducer,
    AsyncImpressionProducer,
    BufferFullError,
    Delivery,
    Flush,
    HttpImpressionProducer,
    Impression,
    ImpressionProducer,
    MissingTopicError,
    RawRecord,
    Rejection,
    Stats,
    Undelivered,
    UndeliveredError,
    from_id,
    to_id,
)


def told(delivery: Delivery) -> None:
    """Say which flush was lost, and which impressions won't count."""
    if delivery.error is not None:
        print(delivery.flush_id, delivery.error)
    rejected: tuple[Rejection, ...] = delivery.rejected
    for each in rejected:
        print(each.impression_id, each.reason)


def keep(error: UndeliveredError) -> list[str]:
    """Return the ids of what was not delivered, to send it again later."""
    raw: list[RawRecord] = error.records
    print(f"{len(raw)} raw records are left, too")
    return [impression.impression_id for flush in error.flushes for impression in flush.impressions]


def record(bootstrap: str, options: Mapping[str, str]) -> list[str]:
    """Record from a thread."""
    producer = ImpressionProducer(bootstrap, tier="pro", experiments=options, on_delivery=told)
    try:
        user = to_id("someone@example.com")
        assert_type(producer.record(user, "a0001", datetime.now(UTC), pool_id="main", visible=0.8), str)
        assert_type(from_id(user), str)
        shown = Impression(impression_id="i1", artwork_id="a0001", seen_at=1_732_431_599_000)
        producer.send_flush(Flush(v=1, flush_id="f1", user_id=user, sent_at=1_732_431_600_000, impressions=[shown]))
        assert_type(producer.stats, Stats)
        left: Undelivered = producer.take_undelivered()
        if left:
            print(f"{len(left.flushes)} flushes were given up")
        producer.close()
    except (BufferFullError, MissingTopicError) as error:
        print(error)
    except UndeliveredError as error:
        return keep(error)
    return []


def record_over_http(endpoint: str, tokens: Mapping[str, str]) -> None:
    """Record from a thread, without Kafka."""
    with HttpImpressionProducer(endpoint, user_token=lambda user: tokens[user], on_delivery=told) as producer:
        producer.record("u1", "a0001")


async def serve(bootstrap: str, endpoint: str) -> None:
    """Record from an event loop."""
    async with AsyncImpressionProducer(bootstrap) as producer:
        print(await producer.record("u1", "a0001"))
    async with AsyncHttpImpressionProducer(endpoint, token=lambda: "v4.public.abc") as other:
        assert_type(await other.send_flush({"v": 1}), Delivery)


if __name__ == "__main__":
    print(record("127.0.0.1:9092", {"ranking": "b"}))
    record_over_http("http://127.0.0.1:8080", {"u1": "v4.public.abc"})
    asyncio.run(serve("127.0.0.1:9092", "http://127.0.0.1:8080"))
