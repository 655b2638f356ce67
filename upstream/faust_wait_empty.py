"""faust-streaming: a revocation waits without limit for the events that agents hold (`stream_wait_empty`).

An agent may wait for the rebalance to end because it must not write while its partitions are unclear. Then each waits
for the other.
"""

import asyncio
from typing import Any

from faust_kit import new_app, start
from kit import Broker, need, run, say, until, worker

SECONDS = 6.0


def work(address: str, name: str) -> None:
    """Hold an event until a rebalance has begun and ended. With `stream_wait_empty=False` it does end."""
    app = new_app(address, name, broker_session_timeout=6.0, broker_heartbeat_interval=1.0)

    @app.agent(app.topic(name, value_type=bytes, value_serializer="raw"))
    async def process(stream: Any) -> None:
        async for _ in stream:
            say("holds")
            before = app.rebalancing_count
            while app.rebalancing_count == before:
                await asyncio.sleep(0.05)
            say("waits")
            while app.rebalancing:
                await asyncio.sleep(0.05)
            say("done")

    start(app)


def reproduce(broker: Broker) -> str | None:
    """Let a second worker join while the first one holds an event."""
    broker.create(broker.name)
    broker.produce(broker.name, [b"event"])
    with worker(broker) as first:
        need(lambda: "holds" in first.said(), "an event")
        with worker(broker):
            need(lambda: "waits" in first.said(), "a rebalance")
            if not until(lambda: "done" in first.said(), SECONDS):
                return f"the worker still waits for itself {SECONDS:.0f} s after a rebalance began"
    return None


if __name__ == "__main__":
    run(reproduce, work)
