"""faust-streaming: if several events are in progress, the one right after the committed offset is skipped.

`Consumer._new_offset` takes the committed offset, which is the next to read, for the last one that was acknowledged.
https://github.com/faust-streaming/faust/issues/606
"""

import asyncio
from typing import Any

from faust_kit import new_app, start
from kit import Broker, need, run, say, until, worker

EVENTS = 10
HELD = 2
SECONDS = 8.0


def work(address: str, name: str) -> None:
    """Acknowledge everything except the event at offset `HELD`, on which one of two actors is slow."""
    app = new_app(address, name)

    @app.agent(app.topic(name, value_type=bytes, value_serializer="raw"), concurrency=2)
    async def process(stream: Any) -> None:
        async for event in stream.events():
            if event.message.offset == HELD:
                await asyncio.sleep(3600)
            say(f"done {event.message.offset}")

    start(app)


def reproduce(broker: Broker) -> str | None:
    """Show the offset committed after an event that is still in progress."""
    broker.create(broker.name)
    broker.produce(broker.name, [b"event"] * HELD)
    with worker(broker) as running:
        need(lambda: broker.committed(broker.name, broker.name) == HELD, "the first events committed")
        broker.produce(broker.name, [b"event"] * (EVENTS - HELD))
        need(lambda: len(running.said()) >= EVENTS // 2, "events behind the held one")
        until(lambda: broker.committed(broker.name, broker.name) > HELD, SECONDS)
        committed = broker.committed(broker.name, broker.name)
    return f"{committed} is committed while the event in offset {HELD} is at work" if committed > HELD else None


if __name__ == "__main__":
    run(reproduce, work)
