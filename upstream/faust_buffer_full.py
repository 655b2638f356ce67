"""faust-streaming: the fetcher sleeps for a second whenever the buffers of all its partitions are full.

A full buffer removes its partition from the fetch (`Consumer.on_buffer_full`). With no partition left, the fetcher only
waits for the clock, while the agent soon empties the buffer and is idle.
"""

import asyncio
import time
from typing import Any

from faust_kit import new_app, start
from kit import Broker, need, run, say, worker

EVENTS = 192
# The time for an event: a full buffer is processed in 0.1 s.
WORK_SECONDS = 0.005
# Long for a pause between two events on the topic, and shorter than the second of sleep.
PAUSE_SECONDS = 0.6


def work(address: str, name: str) -> None:
    """Print how long the wait for each event was. Buffers and fetches are small, so a few events show the effect."""
    app = new_app(address, name, stream_buffer_maxsize=16, broker_max_poll_records=64)

    @app.agent(app.topic(name, value_type=bytes, value_serializer="raw"))
    async def process(stream: Any) -> None:
        idle_since = time.monotonic()
        async for _ in stream:
            say(f"{time.monotonic() - idle_since:.3f}")
            await asyncio.sleep(WORK_SECONDS)
            idle_since = time.monotonic()

    start(app)


def reproduce(broker: Broker) -> str | None:
    """Show an idle agent while there are events on the topic."""
    broker.create(broker.name)
    broker.produce(broker.name, [b"event"] * EVENTS)
    with worker(broker) as running:
        need(lambda: len(running.said()) == EVENTS, "all events")
        waits = [float(line) for line in running.said()[1:]]
    pauses = [wait for wait in waits if wait > PAUSE_SECONDS]
    if pauses:
        idle, busy = sum(pauses), EVENTS * WORK_SECONDS
        return f"{len(pauses)} pauses, {idle:.1f} s in all, in {busy:.1f} s of work that lay on the topic"
    return None


if __name__ == "__main__":
    run(reproduce, work)
