"""faust-streaming: the fetcher sleeps for a second whenever the buffers of all its partitions are full.

A full buffer takes its partition out of the fetch (`Consumer.on_buffer_full`); with none left there is nothing to wait
for but the clock, while the agent empties the buffer in a moment and is idle.
"""

import asyncio
import time
from typing import Any

from faust_kit import new_app, start
from kit import Broker, need, run, say, worker

EVENTS = 192
# What an event takes: a full buffer is done in 0.1 s.
WORK_SECONDS = 0.005
# Long for a pause between two events that lie on the topic, and short of the second that is slept.
PAUSE_SECONDS = 0.6


def work(address: str, name: str) -> None:
    """Say how long each event was waited for. Small buffers and fetches, so that few events show what many do."""
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
    """See an idle agent while events lie on the topic."""
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
