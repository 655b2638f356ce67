"""`AsyncImpressionProducer`: what an asyncio service records impressions with."""

from impression_streams.awaited import AsyncProducer
from impression_streams.kafka import KafkaProducer


class AsyncImpressionProducer(AsyncProducer, KafkaProducer):
    """ImpressionProducer for asyncio: the same promises and settings, and nothing in it blocks the event loop.

    >>> async with AsyncImpressionProducer("127.0.0.1:9092", tier="pro") as producer:
    ...     await producer.record("u42", "a0042", pool_id="main")  # accepted
    ...     delivery = await producer.send_flush(flush)  # acknowledged by the broker

    It belongs to the loop that first awaits one of its methods. The loop is woken once for each batch of
    acknowledgements, however many wait for them. `on_delivery` is called in the loop. A call that is cancelled has no
    effect on what was accepted: it is sent all the same.
    """
