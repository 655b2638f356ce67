"""faust-streaming: `take()` acknowledges its batch although the agent failed on it.

https://github.com/faust-streaming/faust/issues/192
"""

from typing import Any

from faust_kit import new_app, start
from kit import Broker, need, run, say, until, worker

EVENTS = 10
SECONDS = 8.0


def work(address: str, name: str) -> None:
    """Fail on every batch."""
    app = new_app(address, name)

    @app.agent(app.topic(name, value_type=bytes, value_serializer="raw"))
    async def process(stream: Any) -> None:
        async for batch in stream.take(EVENTS, within=0.5):
            say("failing")
            raise ValueError(f"{len(batch)} events could not be processed")

    start(app)


def reproduce(broker: Broker) -> str | None:
    """Show the offset committed after events that were never processed."""
    broker.create(broker.name)
    broker.produce(broker.name, [b"event"] * EVENTS)
    with worker(broker) as running:
        need(running.said, "a batch")
        if until(lambda: broker.committed(broker.name, broker.name) == EVENTS, SECONDS):
            return f"{EVENTS} events are committed, none was processed: take() acknowledged what raised"
    return None


if __name__ == "__main__":
    run(reproduce, work)
